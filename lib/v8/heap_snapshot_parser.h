#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/v8/heap_snapshot.h"

namespace triage::store {
class InputFile;
}

namespace triage::v8 {

/// Reads a heap snapshot while its bytes arrive, in pieces of any size.
///
///   HeapSnapshotParser parser(file_size);
///   while (...) parser.feed(piece);
///   HeapSnapshot snapshot = parser.finish();
///
/// Columns are found by the names in "meta". V8's own layout is the fast path, any other white
/// space and further keys work too; "snapshot" must come before "nodes", as V8 writes it. Whatever
/// is wrong is Error{malformed} with the byte where it was seen; every index is checked, so that
/// the graph can be walked without further checks.
class HeapSnapshotParser {
 public:
  /// `size`: how many bytes will come; counts that could not be in so many are refused.
  explicit HeapSnapshotParser(std::uint64_t size) : size_(size) {}

  void feed(std::string_view piece) { feed_part(piece, false); }
  /// A file that was cut is Error{malformed} that says which sections are whole.
  HeapSnapshot finish();
  /// Of a file that was cut gives what is there, if that is all nodes or more: edges that are
  /// missing are left out, names that are missing are "(cut off)"; `cut` says so.
  HeapSnapshot finish_cut();
  static constexpr std::uint64_t unknown_size = ~std::uint64_t{0};

 private:
  friend class TwoThreadReader;
  enum class State {
    start,
    key_or_end,
    key,
    colon,
    value,
    capture,
    skip,
    open_array,
    numbers,
    strings,
    in_string,
    after_value,
    end
  };
  enum class Section { none, nodes, edges, locations };
  static constexpr std::size_t max_columns = 16;

  /// The numbers of the columns that are used; absent ones are -1.
  struct NodeColumns {
    int type = -1, name = -1, id = -1, size = -1, edges = -1;
    std::size_t width = 0;
  };
  struct EdgeColumns {
    int type = -1, name = -1, to = -1;
    std::size_t width = 0;
  };
  struct LocationColumns {
    int node = -1, script = -1, line = -1, column = -1;
    std::size_t width = 0;
  };

  /// Gives how much was used: all, or up to where a list of numbers or strings begins.
  std::size_t feed_part(std::string_view piece, bool stop_at_lists);
  const char* structure(const char* at, const char* end);
  const char* nested(const char* at, const char* end);
  const char* numbers(const char* at, const char* end);
  const char* fast_rows(const char* at, const char* end);
  const char* string_list(const char* at, const char* end);
  const char* inside_string(const char* at, const char* end);
  void begin_value(char first);
  void begin_numbers(Section section);
  void read_header();
  void number_done();
  void store_row();
  void store_node();
  void store_edge();
  void store_location();
  void check_names() const;
  void check_whole() const;
  [[nodiscard]] bool is_whole() const;
  void leave_out_missing();
  [[noreturn]] static void fail(const std::string& what);
  [[nodiscard]] std::uint64_t place(const char* at) const;
  [[noreturn]] void fail_here(const char* at, const std::string& what) const;

  std::uint64_t size_;
  std::uint64_t offset_ = 0;     ///< of the piece that is being read
  const char* piece_ = nullptr;  ///< its start
  State state_ = State::start;
  std::string key_;
  std::string header_;  ///< text of "snapshot"
  bool header_read_ = false;
  int depth_ = 0;         ///< of a nested value
  bool in_text_ = false;  ///< inside a string of a nested value
  bool escaped_ = false;
  Section section_ = Section::none;
  std::array<std::uint64_t, max_columns> row_{};
  std::size_t width_ = 0;
  std::size_t column_ = 0;
  std::uint64_t number_ = 0;
  int digits_ = 0;
  NodeColumns node_columns_;
  EdgeColumns edge_columns_;
  LocationColumns location_columns_;
  std::vector<NodeKind> node_kinds_;
  std::vector<EdgeKind> edge_kinds_;
  std::size_t nodes_read_ = 0;
  std::size_t edges_read_ = 0;
  HeapSnapshot snapshot_;
};

/// What is wanted of a file. `nodes`: edges need not be read, so there may be none.
enum class Parts { all, nodes };

/// The same for a file in V8's own layout, with two threads; nothing when it is not quite in it:
/// the parser then says what is wrong. `size` as for HeapSnapshotParser.
std::optional<HeapSnapshot> read_with_two_threads(store::InputFile& file, std::uint64_t size,
                                                  Parts parts = Parts::all);

enum class WhenCut { refuse, keep };

/// Reads a file whole, packed by gzip or zstd or not; "-" is standard input. `size` becomes the
/// bytes of the file. Throws Error{not_found, refused, usage} when it cannot be opened,
/// Error{malformed} for what is in it.
HeapSnapshot read_heap_snapshot(const std::string& path, std::uint64_t& size,
                                WhenCut when_cut = WhenCut::refuse, Parts parts = Parts::all);

}  // namespace triage::v8
