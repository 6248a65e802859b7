#include "lib/v8/retained_tiles.h"

#include <algorithm>
#include <unordered_map>

namespace triage::v8 {
namespace {

/// Parts below this share of the heap are not drawn.
constexpr std::uint64_t smallest_part = 500;
constexpr std::size_t parts_of_tile = 8;

/// The objects that are large enough to be drawn, by their dominators.
class LargeObjects {
 public:
  explicit LargeObjects(const HeapGraph& graph) : graph_(graph) {
    const std::uint64_t floor = std::max<std::uint64_t>(1, graph.total_size() / smallest_part);
    for (NodeIndex node = 1; node < graph.snapshot().node_count(); ++node)
      if (graph.retained_size(node) >= floor) below_[graph.dominator(node)].push_back(node);
    for (auto& [node, list] : below_)
      std::sort(list.begin(), list.end(), [&](NodeIndex a, NodeIndex b) { return before(a, b); });
  }

  [[nodiscard]] bool before(NodeIndex a, NodeIndex b) const {
    return graph_.retained_size(a) != graph_.retained_size(b)
               ? graph_.retained_size(a) > graph_.retained_size(b)
               : a < b;
  }
  [[nodiscard]] const std::vector<NodeIndex>& below(NodeIndex node) const {
    static const std::vector<NodeIndex> none;
    const auto found = below_.find(node);
    return found == below_.end() ? none : found->second;
  }
  /// Whether it is but a way to what it keeps.
  [[nodiscard]] bool passes_on(NodeIndex node) const {
    const auto& list = below(node);
    if (list.empty()) return false;
    if (graph_.snapshot().node_kind[node] == NodeKind::synthetic) return true;
    return graph_.retained_size(list.front()) * 10 >= graph_.retained_size(node) * 9;
  }

 private:
  const HeapGraph& graph_;
  std::unordered_map<NodeIndex, std::vector<NodeIndex>> below_;
};

}  // namespace

std::vector<RetainedTile> find_retained_tiles(const HeapGraph& graph, std::size_t limit) {
  const LargeObjects large(graph);
  const auto before = [&](NodeIndex a, NodeIndex b) { return large.before(a, b); };
  std::vector<NodeIndex> top = large.below(HeapGraph::root());
  for (bool opened = true; opened && top.size() < limit;) {
    opened = false;
    for (std::size_t i = 0; i < top.size() && !opened; ++i) {
      if (!large.passes_on(top[i])) continue;
      const std::vector<NodeIndex> parts = large.below(top[i]);
      top.erase(top.begin() + static_cast<std::ptrdiff_t>(i));
      top.insert(top.end(), parts.begin(), parts.end());
      std::sort(top.begin(), top.end(), before);
      opened = true;
    }
  }
  if (top.size() > limit) top.resize(limit);
  std::vector<RetainedTile> tiles;
  for (const NodeIndex node : top) {
    const int parent = static_cast<int>(tiles.size());
    tiles.push_back({node, -1});
    const auto& parts = large.below(node);
    for (std::size_t i = 0; i < std::min(parts_of_tile, parts.size()); ++i)
      tiles.push_back({parts[i], parent});
  }
  return tiles;
}

}  // namespace triage::v8
