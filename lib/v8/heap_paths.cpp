#include "lib/v8/heap_paths.h"

#include <algorithm>

#include "lib/v8/node_queue.h"

namespace triage::v8 {
namespace {

/// Below this share of the heap nothing is worth a line.
constexpr std::uint64_t smallest_part = 100;

/// The object whose backing store `node` is: a Map, not its table.
NodeIndex owner_of_store(const HeapGraph& graph, NodeIndex node) {
  const auto is_store = [&](NodeIndex at) {
    const NodeKind kind = graph.snapshot().node_kind[at];
    return kind == NodeKind::array || kind == NodeKind::hidden || kind == NodeKind::object_shape;
  };
  NodeIndex at = node;
  while (at != HeapGraph::root() && is_store(at)) at = graph.dominator(at);
  return at == HeapGraph::root() || graph.snapshot().node_kind[at] == NodeKind::synthetic ? node
                                                                                          : at;
}

}  // namespace

RetainingPaths::RetainingPaths(const HeapGraph& graph)
    : graph_(graph), edge_(graph.snapshot().node_count(), none) {
  const HeapSnapshot& snapshot = graph.snapshot();
  const NodeIndex root = HeapGraph::root();
  const auto is_group = [&](NodeIndex node) {
    return snapshot.node_kind[node] == NodeKind::synthetic;
  };
  edge_[root] = 0;
  search(open_children(root, [&](NodeIndex node) { return !is_group(node); }));
  // then V8's groups of roots. What runs at the moment is on the stack and in handles: the way
  // through a function or its scope says more than such a short cut to the object itself
  std::vector<NodeIndex> groups = open_children(root, is_group);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto inner = open_children(groups[i], is_group);
    groups.insert(groups.end(), inner.begin(), inner.end());
  }
  std::vector<NodeIndex> plain;
  std::vector<NodeIndex> short_cuts;
  for (const NodeIndex group : groups) {
    const auto name = snapshot.raw_name(group);
    const bool cut = name == "(Stack roots)" || name.starts_with("(Handle scope") ||
                     name == "(Strong roots)" || name == "(GC roots)";
    (cut ? short_cuts : plain).push_back(group);
  }
  search(plain);
  std::vector<NodeIndex> running;
  for (const NodeIndex group : short_cuts) {
    const auto code = open_children(group, [&](NodeIndex node) {
      return snapshot.node_kind[node] == NodeKind::closure ||
             snapshot.raw_name(node).starts_with("system / Context") ||
             snapshot.raw_name(node) == "Generator";
    });
    running.insert(running.end(), code.begin(), code.end());
  }
  search(running);
  search(short_cuts);
}

/// What `node` keeps, no way leads to yet and `wanted` takes; notes this way.
template <class Wanted>
std::vector<NodeIndex> RetainingPaths::open_children(NodeIndex node, Wanted wanted) {
  const HeapSnapshot& snapshot = graph_.snapshot();
  std::vector<NodeIndex> open;
  for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge) {
    const NodeIndex to = snapshot.edge_to[edge];
    if (is_reached(to) || !graph_.is_essential(edge) || !wanted(to)) continue;
    edge_[to] = edge;
    open.push_back(to);
  }
  return open;
}

/// Breadth first over what is not reached yet.
void RetainingPaths::search(const std::vector<NodeIndex>& starts) {
  const HeapSnapshot& snapshot = graph_.snapshot();
  NodeQueue open(snapshot);
  for (const NodeIndex node : starts) open.push(node);
  NodeIndex node = 0;
  while (open.pop(node)) {
    for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge) {
      if (!graph_.is_essential(edge)) continue;
      const NodeIndex to = snapshot.edge_to[edge];
      if (is_reached(to)) continue;
      edge_[to] = edge;
      open.push(to);
    }
  }
}

std::vector<PathStep> RetainingPaths::to(NodeIndex node) const {
  std::vector<PathStep> steps;
  if (!is_reached(node)) return steps;
  const HeapSnapshot& snapshot = graph_.snapshot();
  const auto& first = snapshot.first_edge;
  for (NodeIndex at = node; at != HeapGraph::root();) {
    const EdgeIndex edge = edge_[at];
    steps.push_back({snapshot.edge_label(edge), snapshot.edge_kind(edge), at});
    // whose edge it is: the last node whose edges begin at or before it
    const auto* next = std::upper_bound(first.begin(), first.end(), edge);
    at = static_cast<NodeIndex>(next - first.begin() - 1);
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::vector<NodeIndex> find_accumulation_points(const HeapGraph& graph, std::size_t limit) {
  const HeapSnapshot& snapshot = graph.snapshot();
  const std::size_t count = snapshot.node_count();
  Column<std::uint64_t> largest_child(count, 0);
  for (NodeIndex node = 1; node < count; ++node) {
    std::uint64_t& largest = largest_child[graph.dominator(node)];
    largest = std::max(largest, graph.retained_size(node));
  }
  std::vector<NodeIndex> points;
  const std::uint64_t floor = graph.total_size() / smallest_part;
  for (NodeIndex node = 1; node < count; ++node) {
    const std::uint64_t retained = graph.retained_size(node);
    if (retained < floor || snapshot.node_kind[node] == NodeKind::synthetic) continue;
    // what passes most of it on to one child is only on the way
    if (largest_child[node] * 2 <= retained) points.push_back(owner_of_store(graph, node));
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  std::sort(points.begin(), points.end(), [&](NodeIndex a, NodeIndex b) {
    return graph.retained_size(a) != graph.retained_size(b)
               ? graph.retained_size(a) > graph.retained_size(b)
               : a < b;
  });
  if (points.size() > limit) points.resize(limit);
  return points;
}

}  // namespace triage::v8
