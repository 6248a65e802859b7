#include "lib/v8/heap_graph.h"

#include <charconv>
#include <future>
#include <limits>

#include "lib/v8/node_queue.h"

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

HeapGraph::HeapGraph(HeapSnapshot& snapshot, const Beside& beside) : snapshot_(snapshot) {
  auto sizes = std::async([this] { transfer_sizes(); });
  find_essential_edges();
  sizes.get();
  std::future<void> other;
  if (beside) other = std::async([this, &beside] { beside(*this); });
  tree_ = build_dominator_tree({{snapshot.first_edge.data(), snapshot.first_edge.size()},
                                {snapshot.edge_to.data(), snapshot.edge_to.size()},
                                &essential_},
                               root());
  sum_retained_sizes();
  if (beside) other.get();
}

/// What the program's global objects reach: the root's shortcut edges lead to them.
BitColumn HeapGraph::program_owned() const {
  BitColumn owned(snapshot_.node_count());
  NodeQueue open(snapshot_);
  const auto add = [&](NodeIndex node) {
    if (owned[node]) return;
    owned.set(node);
    open.push(node);
  };
  for (EdgeIndex edge = snapshot_.first_edge[root()]; edge < snapshot_.first_edge[root() + 1];
       ++edge) {
    const NodeIndex to = snapshot_.edge_to[edge];
    const bool document = snapshot_.edge_kind(edge) == EdgeKind::element &&
                          snapshot_.node_kind[to] == NodeKind::synthetic &&
                          snapshot_.raw_name(to) == "(Document DOM trees)";
    if (snapshot_.edge_kind(edge) == EdgeKind::shortcut || document) add(to);
  }
  NodeIndex node = 0;
  while (open.pop(node))
    for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1]; ++edge)
      if (snapshot_.edge_kind(edge) != EdgeKind::weak) add(snapshot_.edge_to[edge]);
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
  EdgeIndex edge = 0;
  std::uint64_t word = 0;
  for (NodeIndex node = 0; node < snapshot_.node_count(); ++node) {
    for (const EdgeIndex end = snapshot_.first_edge[node + 1]; edge < end; ++edge) {
      if (edge % 64 == 0 && edge > 0) {
        essential_.set_word(edge / 64 - 1, word);
        word = 0;
      }
      word |= std::uint64_t{essential(node, edge, owned)} << (edge % 64);
    }
  }
  if (edge > 0) essential_.set_word((edge - 1) / 64, word);
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
  BitColumn stores(count);
  for (NodeIndex node = 0; node < count; ++node) {
    const NodeKind kind = snapshot_.node_kind[node];
    const bool store =
        kind == NodeKind::hidden || kind == NodeKind::array ||
        (kind == NodeKind::native && snapshot_.raw_name(node) == "system / ExternalStringData");
    owner[node] = store ? no_owner : node;
    if (store) stores.set(node);
  }
  std::vector<NodeIndex> open;
  const auto spread = [&](NodeIndex node) {
    const NodeIndex mine = owner[node];
    for (EdgeIndex edge = snapshot_.first_edge[node]; edge < snapshot_.first_edge[node + 1];
         ++edge) {
      const NodeIndex to = snapshot_.edge_to[edge];
      if (!stores[to] || snapshot_.edge_kind(edge) == EdgeKind::weak) continue;
      NodeIndex& theirs = owner[to];
      if (theirs == mine || theirs == many_owners) continue;
      theirs = theirs == no_owner ? mine : many_owners;
      open.push_back(to);
    }
  };
  for (NodeIndex node = 0; node < count; ++node)
    if (!stores[node]) spread(node);
  while (!open.empty()) {
    const NodeIndex node = open.back();
    open.pop_back();
    spread(node);
  }
  return owner;
}

/// A Map's table is the Map's memory: the size of a backing store with one owner goes to the owner.
void HeapGraph::transfer_sizes() {
  if (!has_user_roots()) return;
  const std::size_t count = snapshot_.node_count();
  SizeColumn& size = snapshot_.node_size;
  const Column<NodeIndex> owner = owners();
  for (NodeIndex node = 0; node < count; ++node) {
    const NodeIndex mine = owner[node];
    if (mine == no_owner || mine == many_owners || mine == node) continue;
    if (snapshot_.node_kind[mine] == NodeKind::synthetic || mine == root()) continue;
    size.set(mine, size[mine] + size[node]);
    size.set(node, 0);
  }
}

void HeapGraph::sum_retained_sizes() {
  retained_ = snapshot_.node_size;
  const auto& order = tree_.order;
  for (std::size_t i = order.size(); i-- > 1;) {
    const NodeIndex above = tree_.dominator[order[i]];
    retained_.set(above, retained_[above] + retained_[order[i]]);
  }
}

}  // namespace triage::v8
