#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/v8/heap_graph.h"
#include "lib/v8/object_shapes.h"

namespace triage::v8 {

/// All instances of a class. Nodes without bytes of their own are left out, as in DevTools.
struct ClassSummary {
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t shallow_bytes = 0;
  /// Instances that another instance keeps are counted once, with that one.
  std::uint64_t retained_bytes = 0;
};

/// The class of a node as DevTools names it: the constructor of an object, "Function", "(string)",
/// ... Plain objects are one class here; the tables below split them by shape, as DevTools does.
std::string class_name(const HeapSnapshot& snapshot, NodeIndex node);

/// Numbers for classes, so that a node carries few bytes and no text.
class ClassNumbers {
 public:
  /// Plain objects are split by these shapes.
  ClassNumbers(const HeapSnapshot& snapshot, const std::vector<ObjectShape>& shapes);
  [[nodiscard]] std::uint32_t of(NodeIndex node) const {
    return small_[node] == elsewhere ? large_.at(node) : small_[node];
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  static constexpr std::uint16_t elsewhere = 0xFFFF;
  void set(NodeIndex node, std::uint32_t number);
  std::uint32_t number(const std::string& name);
  Column<std::uint16_t> small_;
  std::unordered_map<NodeIndex, std::uint32_t> large_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
};

/// All classes, most retained bytes first, then by name.
std::vector<ClassSummary> summarize_classes(const HeapGraph& graph, const ClassNumbers& classes);
/// The same with the shapes of the snapshot itself.
std::vector<ClassSummary> summarize_classes(const HeapGraph& graph);

/// The same without dominators, so quicker: sizes as they are in the snapshot, retained 0, by name.
std::vector<ClassSummary> count_classes(const HeapSnapshot& snapshot, const ClassNumbers& classes);

/// Classes of a snapshot that are to be compared with those of a later one, whose shapes are not
/// known yet.
struct ClassCounts {
  std::vector<ClassSummary> rows;  ///< by name; plain objects are one class
  std::vector<PlainObjects> plain;
};
ClassCounts count_classes(const HeapSnapshot& snapshot);
/// `counts` with the plain objects split by `shapes`.
std::vector<ClassSummary> split_by_shapes(const ClassCounts& counts,
                                          const std::vector<ObjectShape>& shapes);

/// A string that is there several times.
struct DuplicateString {
  StringIndex text = 0;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;         ///< of all copies
  std::uint64_t wasted_bytes = 0;  ///< of all but the largest
};
/// Those that waste most first.
std::vector<DuplicateString> find_duplicate_strings(const HeapSnapshot& snapshot);

}  // namespace triage::v8
