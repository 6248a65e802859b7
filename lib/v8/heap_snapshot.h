#pragma once

/// A V8 heap snapshot (.heapsnapshot) in memory, column by column, as compact as its queries allow:
/// 17 bytes a node and 8 an edge. Names stay in their JSON form and are decoded when they are asked
/// for: most never are.
///
/// Format: one JSON object that V8 writes in a fixed order
/// (src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer); the meaning of each
/// column is in its own "meta" part. Checked against Node.js 18, 20, 22 and 24.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/v8/column.h"

namespace triage::v8 {

using NodeIndex = std::uint32_t;
using EdgeIndex = std::uint32_t;
using StringIndex = std::uint32_t;

/// What the types of nodes mean, whatever number the file gives them.
enum class NodeKind : std::uint8_t {
  hidden,
  array,
  string,
  object,
  code,
  closure,
  regexp,
  number,
  native,
  synthetic,
  concatenated_string,
  sliced_string,
  symbol,
  bigint,
  object_shape,
  other
};
std::string_view name_of(NodeKind kind);

enum class EdgeKind : std::uint8_t {
  context,
  element,
  property,
  internal,
  hidden,
  shortcut,
  weak,
  invisible,
  other
};
std::string_view name_of(EdgeKind kind);

/// Where an object's constructor, or a closure's function, stands; line and column from 0.
struct Location {
  std::uint32_t script = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Location&) const = default;
};

/// The places of nodes: few differ, so each node has but a small number.
class LocationTable {
 public:
  LocationTable() = default;
  explicit LocationTable(std::size_t nodes) : number_(nodes, 0) {}
  void add(NodeIndex node, const Location& location);
  /// The same number for the same place, from 1; 0 without one.
  [[nodiscard]] std::uint32_t number_of(NodeIndex node) const {
    if (number_.size() == 0) return 0;
    const std::uint16_t number = number_[node];
    return number == elsewhere ? large_.at(node) : number;
  }
  /// nullptr when the node has none.
  [[nodiscard]] const Location* of(NodeIndex node) const {
    const std::uint32_t number = number_of(node);
    return number == 0 ? nullptr : &places_[number - 1];
  }

 private:
  static constexpr std::uint16_t elsewhere = 0xFFFF;
  struct Hash {
    std::size_t operator()(const Location& place) const {
      return (place.script * 0x9E3779B97F4A7C15ULL) ^ (place.line * 0xC2B2AE3D27D4EB4FULL) ^
             (place.column * 0x165667B19E3779F9ULL);
    }
  };
  Column<std::uint16_t> number_;
  std::unordered_map<NodeIndex, std::uint32_t> large_;
  std::vector<Location> places_;
  std::unordered_map<Location, std::uint32_t, Hash> numbers_;
};

/// All strings as they stand in the file, one after another.
class StringTable {
 public:
  void open() { start(); }  ///< before the first string
  [[nodiscard]] bool opened() const { return !low_.empty(); }
  void append(const char* text, std::size_t size) { text_.append(text, size); }
  void end_string() { start(); }  ///< the next one begins
  [[nodiscard]] std::size_t size() const { return low_.empty() ? 0 : low_.size() - 1; }
  /// Whether text was appended behind the last end_string().
  [[nodiscard]] bool inside() const {
    return !low_.empty() && low_[low_.size() - 1] != static_cast<std::uint32_t>(text_.size());
  }
  [[nodiscard]] std::string_view operator[](StringIndex index) const {
    const std::uint64_t first = place(index);
    const char* text = between_ == 0 ? text_.data() : static_cast<const char*>(list_.data());
    return {text + first, static_cast<std::size_t>(place(index + 1) - between_ - first)};
  }

  /// What V8 writes between two strings: `",\n"` and the quotes of both.
  static constexpr std::uint32_t between = 4;
  /// The whole list as it stands in the file, `between` two strings each. `starts` are the places
  /// of their first characters, and one more: the end of the last and `between`.
  void adopt(Block list, std::span<const std::vector<std::uint64_t>> starts);

 private:
  void start() { start_at(text_.size()); }
  void start_at(std::uint64_t at) {
    while (wraps_.size() < (at >> 32U)) wraps_.push_back(static_cast<StringIndex>(low_.size()));
    low_.push_back(static_cast<std::uint32_t>(at));
  }
  [[nodiscard]] std::uint64_t place(std::size_t index) const {
    std::uint64_t high = 0;
    for (const StringIndex wrap : wraps_) high += index >= wrap ? 1 : 0;
    return (high << 32U) | low_[index];
  }
  GrowingColumn<char> text_;  ///< string by string, or
  Block list_;                ///< with what stands between them
  std::uint32_t between_ = 0;
  GrowingColumn<std::uint32_t> low_;  ///< starts, the lower half
  std::vector<StringIndex> wraps_;    ///< the strings at which the upper half grows by one
};

/// Kind and name of edges in four bytes; the few whose name is too large lie beside them.
class EdgeLabels {
 public:
  EdgeLabels() = default;
  explicit EdgeLabels(std::size_t size) : packed_(size) {}
  /// From this name on an edge takes more than its four bytes.
  static constexpr std::uint32_t largest = (1U << 28U) - 1;
  [[nodiscard]] std::size_t size() const { return packed_.size(); }
  void shrink(std::size_t size) { packed_.shrink(size); }
  [[nodiscard]] EdgeKind kind(EdgeIndex edge) const {
    return static_cast<EdgeKind>(packed_[edge] >> name_bits);
  }
  [[nodiscard]] std::uint32_t name(EdgeIndex edge) const {
    const std::uint32_t name = packed_[edge] & largest;
    return name == largest ? large_.at(edge) : name;
  }
  void prefetch(EdgeIndex edge) const { __builtin_prefetch(packed_.data() + edge); }
  void set(EdgeIndex edge, EdgeKind kind, std::uint32_t name) {
    packed_[edge] =
        (static_cast<std::uint32_t>(kind) << name_bits) | (name < largest ? name : largest);
    if (name >= largest) large_[edge] = name;
  }

 private:
  static constexpr unsigned name_bits = 28;
  Column<std::uint32_t> packed_;
  std::unordered_map<EdgeIndex, std::uint32_t> large_;
};

/// What was read of a file that was cut.
struct Cut {
  std::uint64_t bytes = 0;
  std::uint64_t edges = 0;  ///< read
  std::uint64_t edges_of = 0;
  std::uint64_t strings = 0;  ///< read; how many there were is not known
  [[nodiscard]] bool edges_whole() const { return edges == edges_of; }
};

struct HeapSnapshot {
  Column<NodeKind> node_kind;
  Column<StringIndex> node_name;
  Column<std::uint32_t> node_id;
  SizeColumn node_size;          ///< self size in bytes; a HeapGraph moves those of backing stores
  Column<EdgeIndex> first_edge;  ///< one more than there are nodes
  EdgeLabels edges;
  Column<NodeIndex> edge_to;
  LocationTable locations;
  StringTable strings;
  std::uint64_t extra_native_bytes = 0;
  /// Where the list of strings stands in the file: behind its '[', and at its ']'.
  std::uint64_t strings_begin = 0;
  std::uint64_t strings_end = 0;
  /// Set when the file ended too early: what is here is only a part.
  std::optional<Cut> cut;

  [[nodiscard]] std::size_t node_count() const { return node_kind.size(); }
  [[nodiscard]] std::size_t edge_count() const { return edge_to.size(); }
  [[nodiscard]] std::size_t string_count() const { return strings.size(); }
  [[nodiscard]] EdgeKind edge_kind(EdgeIndex edge) const { return edges.kind(edge); }
  /// Element and hidden edges: an index; others: a string.
  [[nodiscard]] std::uint32_t edge_name(EdgeIndex edge) const { return edges.name(edge); }
  [[nodiscard]] bool has_numbered_name(EdgeIndex edge) const {
    return edge_kind(edge) == EdgeKind::element || edge_kind(edge) == EdgeKind::hidden;
  }

  /// A string as it stands in the file, JSON escapes and all: enough to compare with plain names.
  [[nodiscard]] std::string_view raw_string(StringIndex index) const { return strings[index]; }
  /// A string as UTF-8; lone surrogates become U+FFFD.
  [[nodiscard]] std::string string(StringIndex index) const;
  [[nodiscard]] std::string_view raw_name(NodeIndex node) const {
    return raw_string(node_name[node]);
  }
  /// The name of an edge as it stands in the file; empty for element and hidden edges.
  [[nodiscard]] std::string_view raw_edge_name(EdgeIndex edge) const {
    return has_numbered_name(edge) ? std::string_view() : raw_string(edge_name(edge));
  }
  /// "[3]" for element and hidden edges, else the name.
  [[nodiscard]] std::string edge_label(EdgeIndex edge) const;
};

}  // namespace triage::v8
