#include "lib/v8/leak_evidence.h"

#include <algorithm>
#include <map>

namespace triage::v8 {
namespace {

bool is_store(NodeKind kind) {
  return kind == NodeKind::array || kind == NodeKind::hidden || kind == NodeKind::object_shape;
}

using Counts = std::map<std::string, ClassCount>;

void add(Counts& counts, const std::string& name, std::uint64_t bytes) {
  ClassCount& row = counts[name];
  row.name = name;
  ++row.count;
  row.bytes += bytes;
}

template <class Before>
std::vector<ClassCount> sorted(const Counts& counts, Before before) {
  std::vector<ClassCount> rows;
  for (const auto& [name, row] : counts) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), before);
  return rows;
}

/// Walks the new objects below one holder.
class Walk {
 public:
  Walk(const HeapGraph& graph, const ObjectIds& first, NodeIndex holder)
      : graph_(graph),
        snapshot_(graph.snapshot()),
        first_(first),
        holder_(holder),
        below_(snapshot_.node_count()),
        member_(snapshot_.node_count()) {}

  void run() {
    below_.set(holder_);
    // dominators come first in this order
    for (const NodeIndex node : graph_.tree().order) {
      if (node == holder_ || node == HeapGraph::root() || !below_[graph_.dominator(node)]) continue;
      below_.set(node);
      if (is_new(node)) visit(node);
    }
  }

  Counts members;
  Counts all;
  std::vector<NodeIndex> member_nodes;
  std::uint64_t chained = 0;

 private:
  [[nodiscard]] bool is_new(NodeIndex node) const {
    const std::uint32_t id = snapshot_.node_id[node];
    return id % 2 == 1 && !first_.contains(id);
  }

  void visit(NodeIndex node) {
    const std::string name = class_name(snapshot_, node);
    add(all, name, graph_.shallow_size(node));
    if (is_store(snapshot_.node_kind[node])) return;
    NodeIndex above = graph_.dominator(node);
    while (above != holder_ && is_store(snapshot_.node_kind[above]))
      above = graph_.dominator(above);
    const bool chain =
        above != holder_ && same_class(above, node) && (member_[above] || !is_new(above));
    if (above != holder_ && !chain) return;
    member_.set(node);
    member_nodes.push_back(node);
    chained += chain ? 1 : 0;
    add(members, name, graph_.shallow_size(node));
  }

  [[nodiscard]] bool same_class(NodeIndex a, NodeIndex b) const {
    return snapshot_.node_kind[a] == snapshot_.node_kind[b] &&
           snapshot_.raw_name(a) == snapshot_.raw_name(b);
  }

  const HeapGraph& graph_;
  const HeapSnapshot& snapshot_;
  const ObjectIds& first_;
  NodeIndex holder_;
  BitColumn below_;
  BitColumn member_;
};

/// The function that a member stands for: of a timer its callback, of a once() wrapper the
/// listener.
NodeIndex function_of(const HeapSnapshot& snapshot, NodeIndex member) {
  for (const std::string_view edge : {"_onTimeout", "listener", "callback"})
    if (const auto target = target_of(snapshot, member, EdgeKind::property, edge);
        target && snapshot.node_kind[*target] == NodeKind::closure)
      return *target;
  return member;
}

void describe_members(const HeapSnapshot& snapshot, const std::vector<NodeIndex>& nodes,
                      const ScriptNames& scripts, LeakEvidence& evidence) {
  std::vector<NodeIndex> main;
  for (const NodeIndex node : nodes)
    if (class_name(snapshot, node) == evidence.members.front().name) main.push_back(node);
  if (main.empty()) return;
  const NodeIndex sample = main[main.size() / 2];
  evidence.sample_member = sample;
  for (EdgeIndex edge = snapshot.first_edge[sample]; edge < snapshot.first_edge[sample + 1];
       ++edge) {
    WeakMapEdge entry;
    const std::string_view name = snapshot.raw_edge_name(edge);
    if (parse_weak_map_edge(name, entry))
      evidence.member_keeps_weak_map_value |= entry.key_id == snapshot.node_id[sample];
    else if (snapshot.edge_kind(edge) != EdgeKind::weak)
      evidence.member_edges.push_back(snapshot.edge_label(edge));
  }
  std::map<std::uint32_t, std::pair<std::uint64_t, NodeIndex>> places;
  for (const NodeIndex member : main) {
    const NodeIndex node = function_of(snapshot, member);
    const std::uint32_t place = snapshot.locations.number_of(node);
    if (place == 0) continue;
    ++places[place].first;
    places[place].second = node;
  }
  for (const auto& [number, row] : places) {
    if (row.first <= evidence.member_place_count) continue;
    evidence.member_place_count = row.first;
    evidence.member_place = scripts.place_of(row.second);
    evidence.member_name = snapshot.node_kind[row.second] == NodeKind::closure
                               ? snapshot.string(snapshot.node_name[row.second])
                               : std::string();
  }
}

}  // namespace

LeakEvidence gather_evidence(const HeapGraph& graph, const ObjectIds& first, NodeIndex holder,
                             const std::vector<PathStep>& path, const ScriptNames& scripts) {
  const HeapSnapshot& snapshot = graph.snapshot();
  LeakEvidence evidence;
  evidence.holder_class = class_name(snapshot, holder);
  evidence.holder_is_root =
      holder == HeapGraph::root() || snapshot.node_kind[holder] == NodeKind::synthetic;
  for (const auto& step : path) {
    evidence.path_edges.push_back(step.edge);
    evidence.path_classes.push_back(class_name(snapshot, step.node));
  }
  Walk walk(graph, first, holder);
  walk.run();
  evidence.members = sorted(
      walk.members, [](const ClassCount& a, const ClassCount& b) { return a.count > b.count; });
  evidence.below =
      sorted(walk.all, [](const ClassCount& a, const ClassCount& b) { return a.bytes > b.bytes; });
  evidence.members_count = walk.member_nodes.size();
  if (!walk.member_nodes.empty()) {
    evidence.chained_ratio =
        static_cast<double>(walk.chained) / static_cast<double>(walk.member_nodes.size());
    describe_members(snapshot, walk.member_nodes, scripts, evidence);
  }
  return evidence;
}

}  // namespace triage::v8
