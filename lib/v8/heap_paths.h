#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/v8/heap_graph.h"

namespace triage::v8 {

/// One step of a retaining path: the edge that leads to the node, and the node.
struct PathStep {
  std::string edge;  ///< "cache", "[3]", "table"
  EdgeKind kind = EdgeKind::other;
  NodeIndex node = 0;
};

/// Shortest ways from the roots to every node: from the program's own globals where one exists,
/// else through V8's roots. Weak edges and a WeakMap's table hold nothing and are not followed.
class RetainingPaths {
 public:
  /// Asks for essential edges only: may be HeapGraph::Beside.
  explicit RetainingPaths(const HeapGraph& graph);
  /// From below the root to the node; empty for the root and for what nothing reaches.
  [[nodiscard]] std::vector<PathStep> to(NodeIndex node) const;

 private:
  template <class Wanted>
  std::vector<NodeIndex> open_children(NodeIndex node, Wanted wanted);
  void search(const std::vector<NodeIndex>& starts);
  [[nodiscard]] bool is_reached(NodeIndex node) const { return edge_[node] != none; }

  static constexpr EdgeIndex none = ~EdgeIndex{0};
  const HeapGraph& graph_;
  Column<EdgeIndex> edge_;  ///< the last one of its way; the root has none but counts as reached
};

/// Objects that hold much and whose holdings are spread out below them: where memory accumulates
/// (Eclipse MAT's "accumulation point"). Largest first; V8's own roots are left out.
std::vector<NodeIndex> find_accumulation_points(const HeapGraph& graph, std::size_t limit);

}  // namespace triage::v8
