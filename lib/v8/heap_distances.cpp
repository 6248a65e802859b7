#include "lib/v8/heap_distances.h"

#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

namespace triage::v8 {
namespace {

constexpr std::uint32_t unreached = std::numeric_limits<std::uint32_t>::max();

class Search {
 public:
  explicit Search(const HeapSnapshot& snapshot)
      : snapshot_(snapshot), distance_(snapshot.node_count(), unreached) {}

  void from(std::vector<NodeIndex> open, std::uint32_t start) {
    for (const NodeIndex node : open) distance_[node] = start;
    for (std::size_t i = 0; i < open.size(); ++i) {
      const NodeIndex node = open[i];
      for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1];
           ++edge) {
        const NodeIndex to = snapshot_.edge_to[edge];
        if (distance_[to] != unreached || !follows(node, edge)) continue;
        distance_[to] = distance_[node] + 1;
        open.push_back(to);
      }
    }
  }

  Column<std::uint32_t> take() { return std::move(distance_); }

 private:
  bool follows(NodeIndex node, EdgeIndex edge) {
    const EdgeKind kind = snapshot_.edge_kind(edge);
    if (kind == EdgeKind::weak) return false;
    if (snapshot_.node_kind[node] == NodeKind::hidden &&
        snapshot_.raw_edge_name(edge) == "sloppy_function_map" &&
        snapshot_.raw_name(node) == "system / NativeContext")
      return false;
    // of each descriptor only key and value belong to the program
    if (snapshot_.node_kind[node] == NodeKind::array && snapshot_.has_numbered_name(edge) &&
        snapshot_.raw_name(node) == "(map descriptors)") {
      const std::uint32_t index = snapshot_.edge_name(edge);
      return index < 2 || index % 3 != 1;
    }
    return kind != EdgeKind::internal || follows_entry(snapshot_.raw_edge_name(edge));
  }

  /// An entry of a WeakMap has two edges, of the table and of the key: it takes both to hold.
  bool follows_entry(std::string_view name) {
    WeakMapEdge entry;
    if (!parse_weak_map_edge(name, entry)) return true;
    return !met_.insert(std::string(name.substr(name.find(" / ")))).second;
  }

  const HeapSnapshot& snapshot_;
  Column<std::uint32_t> distance_;
  std::unordered_set<std::string> met_;
};

}  // namespace

Column<std::uint32_t> find_distances(const HeapSnapshot& snapshot) {
  const NodeIndex root = HeapGraph::root();
  std::vector<NodeIndex> own;
  BitColumn seen(snapshot.node_count());
  for (EdgeIndex edge = snapshot.first_edge[root]; edge < snapshot.first_edge[root + 1]; ++edge) {
    const NodeIndex to = snapshot.edge_to[edge];
    if (snapshot.node_kind[to] == NodeKind::synthetic || seen[to]) continue;
    seen.set(to);
    own.push_back(to);
  }
  Search search(snapshot);
  search.from(std::move(own), 1);
  search.from({root}, system_distance);
  return search.take();
}

}  // namespace triage::v8
