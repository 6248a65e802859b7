#pragma once

/// A V8 heap snapshot (.heapsnapshot) in memory, column by column, as compact as its queries allow:
/// 17 bytes a node and 9 an edge. Names stay in their JSON form and are decoded when they are asked
/// for: most never are.
///
/// Format: one JSON object that V8 writes in a fixed order
/// (src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer); the meaning of each
/// column is in its own "meta" part. Checked against Node.js 18, 20, 22 and 24.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace triage::v8 {

using NodeIndex = std::uint32_t;
using EdgeIndex = std::uint32_t;
using StringIndex = std::uint32_t;

/// A column whose length is known before its values: not filled with zeros first, which would cost
/// as much as reading it.
template <class T>
class Column {
 public:
  Column() = default;
  explicit Column(std::size_t size)
      : values_(std::make_unique_for_overwrite<T[]>(size)),  // NOLINT(*-avoid-c-arrays): no fill
        size_(size) {}
  [[nodiscard]] std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return values_[i]; }
  const T& operator[](std::size_t i) const { return values_[i]; }
  T* data() { return values_.get(); }
  const T* data() const { return values_.get(); }

 private:
  std::unique_ptr<T[]> values_;  // NOLINT(*-avoid-c-arrays)
  std::size_t size_ = 0;
};

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
  NodeIndex node = 0;
  std::uint32_t script = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct HeapSnapshot {
  Column<NodeKind> node_kind;
  Column<StringIndex> node_name;
  Column<std::uint32_t> node_id;
  Column<std::uint64_t> node_size;  ///< self size in bytes
  Column<EdgeIndex> first_edge;     ///< one more than there are nodes
  Column<EdgeKind> edge_kind;
  Column<std::uint32_t> edge_name;  ///< element and hidden edges: an index; others: a string
  Column<NodeIndex> edge_to;
  std::vector<Location> locations;  ///< in the order of the file
  std::uint64_t extra_native_bytes = 0;

  std::string text;  ///< all strings as they stand in the file, one after another
  std::vector<std::uint64_t> string_start;  ///< one more than there are strings

  [[nodiscard]] std::size_t node_count() const { return node_kind.size(); }
  [[nodiscard]] std::size_t edge_count() const { return edge_kind.size(); }
  [[nodiscard]] std::size_t string_count() const {
    return string_start.empty() ? 0 : string_start.size() - 1;
  }

  /// A string as it stands in the file, JSON escapes and all: enough to compare with plain names.
  [[nodiscard]] std::string_view raw_string(StringIndex index) const {
    return std::string_view(text).substr(string_start[index],
                                         string_start[index + 1] - string_start[index]);
  }
  /// A string as UTF-8; lone surrogates become U+FFFD.
  [[nodiscard]] std::string string(StringIndex index) const;
  [[nodiscard]] std::string_view raw_name(NodeIndex node) const {
    return raw_string(node_name[node]);
  }
  /// "[3]" for element and hidden edges, else the name.
  [[nodiscard]] std::string edge_label(EdgeIndex edge) const;
};

}  // namespace triage::v8
