#pragma once

#include <cstdint>
#include <span>

#include "lib/v8/heap_snapshot.h"

namespace triage::v8 {

/// A directed graph in compressed rows: the targets of node i are targets[first[i] .. first[i +
/// 1]). `kept` says per edge whether it counts.
struct EdgeList {
  std::span<const EdgeIndex> first;
  std::span<const NodeIndex> targets;
  const BitColumn* kept;
};

/// Immediate dominators of all nodes.
struct DominatorTree {
  Column<NodeIndex> dominator;  ///< per node; the root's is itself
  Column<NodeIndex> order;      ///< nodes so that each stands behind its dominator
};

/// The dominator tree over the kept edges, by semi-NCA (L. Georgiadis, "Linear-Time Algorithms for
/// Dominators and Related Problems", 2005, section 2.4): numbered depth first, then worked on in
/// that numbering, which is what keeps the caches warm. Nodes that the root does not reach hang on
/// it as DevTools hangs them (HeapSnapshot.ts): first those that nothing keeps, with what they
/// reach; then the rest, each by itself. Iterative throughout: a list of a million links is no deep
/// recursion.
DominatorTree build_dominator_tree(const EdgeList& graph, NodeIndex root);

}  // namespace triage::v8
