#include "lib/v8/heap_graph.h"

#include <charconv>
#include <limits>

namespace triage::v8 {
namespace {

constexpr NodeIndex no_owner = std::numeric_limits<NodeIndex>::max();
constexpr NodeIndex many_owners = no_owner - 1;

bool read_number(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data();
}

}  // namespace

bool parse_weak_map_edge(std::string_view name, WeakMapEdge& edge) {
  // the shortest has more than sixty characters: nearly all names end here
  if (name.size() < 60 || name[0] < '0' || name[0] > '9') return false;
  constexpr std::string_view table = " pair in WeakMap (table @";
  constexpr std::string_view part = " / part of key (";
  const std::size_t at = name.rfind(table);
  const std::size_t key = name.find(part);
  const std::size_t arrow = name.find(") -> value (");
  if (at == std::string_view::npos || key == std::string_view::npos ||
      arrow == std::string_view::npos)
    return false;
  const std::size_t sign = name.rfind('@', arrow);
  return sign != std::string_view::npos && read_number(name.substr(sign + 1), edge.key_id) &&
         read_number(name.substr(at + table.size()), edge.table_id);
}

HeapGraph::HeapGraph(const HeapSnapshot& snapshot) : snapshot_(snapshot) {
  transfer_sizes();
  find_essential_edges();
  tree_ = build_dominator_tree({{snapshot.first_edge.data(), snapshot.first_edge.size()},
                                {snapshot.edge_to.data(), snapshot.edge_to.size()},
                                &essential_},
                               root());
  sum_retained_sizes();
}

/// What the program's global objects reach: the root's shortcut edges lead to them.
BitColumn HeapGraph::program_owned() const {
  BitColumn owned(snapshot_.node_count());
  std::vector<NodeIndex> open;
  const auto add = [&](NodeIndex node) {
    if (owned[node]) return;
    owned.set(node);
    open.push_back(node);
  };
  for (EdgeIndex edge = snapshot_.first_edge[root()]; edge < snapshot_.first_edge[root() + 1];
       ++edge) {
    const NodeIndex to = snapshot_.edge_to[edge];
    const bool document = snapshot_.edge_kind(edge) == EdgeKind::element &&
                          snapshot_.node_kind[to] == NodeKind::synthetic &&
                          snapshot_.raw_name(to) == "(Document DOM trees)";
    if (snapshot_.edge_kind(edge) == EdgeKind::shortcut || document) add(to);
  }
  while (!open.empty()) {
    const NodeIndex node = open.back();
    open.pop_back();
    for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1]; ++edge)
      if (snapshot_.edge_kind(edge) != EdgeKind::weak) add(snapshot_.edge_to[edge]);
  }
  return owned;
}

bool HeapGraph::essential(NodeIndex from, EdgeIndex edge, const BitColumn& owned) const {
  const EdgeKind kind = snapshot_.edge_kind(edge);
  const NodeIndex to = snapshot_.edge_to[edge];
  if (kind == EdgeKind::weak || from == to) return false;
  if (kind == EdgeKind::internal) {
    // the value of a WeakMap's entry is kept by the key; the table alone does not keep it
    WeakMapEdge entry;
    if (parse_weak_map_edge(snapshot_.raw_string(snapshot_.edge_name(edge)), entry) &&
        entry.table_id == snapshot_.node_id[from])
      return false;
  }
  if (from == root()) return true;
  return kind != EdgeKind::shortcut && (!owned[to] || owned[from]);
}

void HeapGraph::find_essential_edges() {
  const BitColumn owned = program_owned();
  essential_ = BitColumn(snapshot_.edge_count());
  for (NodeIndex node = 0; node < snapshot_.node_count(); ++node)
    for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1]; ++edge)
      if (essential(node, edge, owned)) essential_.set(edge);
}

bool HeapGraph::has_user_roots() const {
  for (EdgeIndex edge = snapshot_.first_edge[root()]; edge < snapshot_.first_edge[root() + 1];
       ++edge) {
    const NodeIndex to = snapshot_.edge_to[edge];
    if (snapshot_.node_kind[to] != NodeKind::synthetic ||
        snapshot_.raw_name(to) == "(Document DOM trees)")
      return true;
  }
  return false;
}

/// Per node who owns it: itself, the one object whose backing store it is, or several.
Column<NodeIndex> HeapGraph::owners() const {
  const auto count = static_cast<NodeIndex>(snapshot_.node_count());
  Column<NodeIndex> owner(count);
  std::vector<NodeIndex> open;
  for (NodeIndex node = 0; node < count; ++node) {
    const NodeKind kind = snapshot_.node_kind[node];
    const bool store =
        kind == NodeKind::hidden || kind == NodeKind::array ||
        (kind == NodeKind::native && snapshot_.raw_name(node) == "system / ExternalStringData");
    owner[node] = store ? no_owner : node;
    if (!store) open.push_back(node);
  }
  while (!open.empty()) {
    const NodeIndex node = open.back();
    open.pop_back();
    const NodeIndex mine = owner[node];
    for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1];
         ++edge) {
      if (snapshot_.edge_kind(edge) == EdgeKind::weak) continue;
      const NodeIndex to = snapshot_.edge_to[edge];
      NodeIndex& theirs = owner[to];
      if (theirs == to || theirs == mine || theirs == many_owners) continue;
      theirs = theirs == no_owner ? mine : many_owners;
      open.push_back(to);
    }
  }
  return owner;
}

/// A Map's table is the Map's memory: the size of a backing store with one owner goes to the owner.
void HeapGraph::transfer_sizes() {
  const std::size_t count = snapshot_.node_count();
  shallow_ = SizeColumn(count);
  for (NodeIndex node = 0; node < count; ++node) shallow_.set(node, snapshot_.node_size[node]);
  if (!has_user_roots()) return;
  const Column<NodeIndex> owner = owners();
  for (NodeIndex node = 0; node < count; ++node) {
    const NodeIndex mine = owner[node];
    if (mine == no_owner || mine == many_owners || mine == node) continue;
    if (snapshot_.node_kind[mine] == NodeKind::synthetic || mine == root()) continue;
    shallow_.set(mine, shallow_[mine] + snapshot_.node_size[node]);
    shallow_.set(node, 0);
  }
}

void HeapGraph::sum_retained_sizes() {
  retained_ = Column<std::uint64_t>(snapshot_.node_count());
  for (NodeIndex node = 0; node < snapshot_.node_count(); ++node) retained_[node] = shallow_[node];
  const auto& order = tree_.order;
  for (std::size_t i = order.size(); i-- > 1;)
    retained_[tree_.dominator[order[i]]] += retained_[order[i]];
}

}  // namespace triage::v8
