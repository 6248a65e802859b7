#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/v8/heap_graph.h"

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
/// ... Plain objects are one class here; DevTools splits them by shape.
std::string class_name(const HeapSnapshot& snapshot, NodeIndex node);

/// All classes, most retained bytes first, then by name.
std::vector<ClassSummary> summarize_classes(const HeapGraph& graph);

/// The same without dominators, so quicker: shallow bytes as in the file, retained 0, by name.
std::vector<ClassSummary> count_classes(const HeapSnapshot& snapshot);

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
