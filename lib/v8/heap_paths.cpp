#include "lib/v8/heap_paths.h"

#include <algorithm>
#include <limits>

namespace triage::v8 {
namespace {

constexpr NodeIndex nobody = std::numeric_limits<NodeIndex>::max();

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
    : graph_(graph), from_(graph.snapshot().node_count(), nobody), edge_(from_.size(), 0) {
  const HeapSnapshot& snapshot = graph.snapshot();
  const NodeIndex root = HeapGraph::root();
  const auto is_group = [&](NodeIndex node) {
    return snapshot.node_kind[node] == NodeKind::synthetic;
  };
  from_[root] = root;
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
  search(std::move(plain));
  std::vector<NodeIndex> running;
  for (const NodeIndex group : short_cuts) {
    const auto code = open_children(group, [&](NodeIndex node) {
      return snapshot.node_kind[node] == NodeKind::closure ||
             snapshot.raw_name(node).starts_with("system / Context") ||
             snapshot.raw_name(node) == "Generator";
    });
    running.insert(running.end(), code.begin(), code.end());
  }
  search(std::move(running));
  search(std::move(short_cuts));
}

/// What `node` keeps, no way leads to yet and `wanted` takes; notes this way.
template <class Wanted>
std::vector<NodeIndex> RetainingPaths::open_children(NodeIndex node, Wanted wanted) {
  const HeapSnapshot& snapshot = graph_.snapshot();
  std::vector<NodeIndex> open;
  for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge) {
    const NodeIndex to = snapshot.edge_to[edge];
    if (from_[to] != nobody || !graph_.is_essential(edge) || !wanted(to)) continue;
    from_[to] = node;
    edge_[to] = edge;
    open.push_back(to);
  }
  return open;
}

/// Breadth first over what is not reached yet.
void RetainingPaths::search(std::vector<NodeIndex> open) {
  const HeapSnapshot& snapshot = graph_.snapshot();
  for (std::size_t i = 0; i < open.size(); ++i) {
    const NodeIndex node = open[i];
    for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge) {
      const NodeIndex to = snapshot.edge_to[edge];
      if (from_[to] != nobody || !graph_.is_essential(edge)) continue;
      from_[to] = node;
      edge_[to] = edge;
      open.push_back(to);
    }
  }
}

std::vector<PathStep> RetainingPaths::to(NodeIndex node) const {
  std::vector<PathStep> steps;
  if (from_[node] == nobody) return steps;
  for (NodeIndex at = node; at != HeapGraph::root(); at = from_[at])
    steps.push_back(
        {graph_.snapshot().edge_label(edge_[at]), graph_.snapshot().edge_kind(edge_[at]), at});
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::vector<NodeIndex> find_accumulation_points(const HeapGraph& graph, std::size_t limit) {
  const HeapSnapshot& snapshot = graph.snapshot();
  const std::size_t count = snapshot.node_count();
  std::vector<std::uint64_t> largest_child(count, 0);
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
