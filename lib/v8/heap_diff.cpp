#include "lib/v8/heap_diff.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace triage::v8 {
namespace {

constexpr NodeIndex not_yet = std::numeric_limits<NodeIndex>::max();

/// Upper part: the class, as coarse as class_name; lower part: kind and name.
constexpr unsigned class_bits = 20;
constexpr unsigned name_bits = 32 - class_bits;

std::uint32_t mixed(std::size_t hash) {
  return static_cast<std::uint32_t>((hash * 0x9E3779B97F4A7C15ULL) >> 32U);
}

std::uint32_t hash_of(const HeapSnapshot& snapshot, NodeIndex node) {
  const NodeKind kind = snapshot.node_kind[node];
  const std::size_t name = std::hash<std::string_view>{}(snapshot.raw_name(node));
  const bool by_name = kind == NodeKind::object || kind == NodeKind::native;
  const std::uint32_t of_class = mixed((by_name ? name : 0) + static_cast<std::size_t>(kind) + 1);
  return (of_class >> name_bits << name_bits) | (mixed(name) >> class_bits);
}

/// Where the climb from each node ends, remembered on the way.
class Climb {
 public:
  Climb(const HeapGraph& graph, const ObjectIds& first)
      : graph_(graph), first_(first), top_(graph.snapshot().node_count(), not_yet) {}

  NodeIndex from(NodeIndex node) {
    path_.clear();
    NodeIndex at = graph_.dominator(node);
    while (top_[at] == not_yet && !is_top(at)) {
      path_.push_back(at);
      at = graph_.dominator(at);
    }
    const NodeIndex top = top_[at] == not_yet ? at : top_[at];
    for (const NodeIndex passed : path_) top_[passed] = top;
    top_[at] = top;
    return top;
  }

 private:
  [[nodiscard]] bool is_top(NodeIndex node) const {
    if (node == HeapGraph::root()) return true;
    const HeapSnapshot& snapshot = graph_.snapshot();
    if (!first_.contains(snapshot.node_id[node])) return false;
    const NodeKind kind = snapshot.node_kind[node];
    // backing stores are replaced when they grow: whose they are is the answer
    if (kind == NodeKind::array || kind == NodeKind::hidden || kind == NodeKind::object_shape)
      return false;
    const NodeIndex above = graph_.dominator(node);
    return snapshot.node_kind[above] != kind ||
           snapshot.raw_name(above) != snapshot.raw_name(node) || kind == NodeKind::closure;
  }

  const HeapGraph& graph_;
  const ObjectIds& first_;
  std::vector<NodeIndex> top_;
  std::vector<NodeIndex> path_;
};

}  // namespace

ObjectIds::ObjectIds(const HeapSnapshot& snapshot) {
  rows_.reserve(snapshot.node_count());
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node)
    if (snapshot.node_id[node] % 2 == 1)
      rows_.push_back({snapshot.node_id[node], hash_of(snapshot, node)});
  std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
}

bool ObjectIds::contains(std::uint32_t id) const {
  const auto found =
      std::lower_bound(rows_.begin(), rows_.end(), id,
                       [](const Row& row, std::uint32_t value) { return row.id < value; });
  return found != rows_.end() && found->id == id;
}

double ObjectIds::agreement(const ObjectIds& other) const {
  std::uint64_t shared = 0;
  std::uint64_t same = 0;
  for (std::size_t i = 0, k = 0; i < rows_.size() && k < other.rows_.size();) {
    if (rows_[i].id < other.rows_[k].id) {
      ++i;
    } else if (rows_[i].id > other.rows_[k].id) {
      ++k;
    } else {
      ++shared;
      if (rows_[i++].hash == other.rows_[k++].hash) ++same;
    }
  }
  return shared == 0 ? 0 : static_cast<double>(same) / static_cast<double>(shared);
}

std::uint32_t ObjectIds::class_key(const HeapSnapshot& snapshot, NodeIndex node) {
  return hash_of(snapshot, node) >> name_bits;
}

Turnover ObjectIds::turnover(const ObjectIds& later, std::uint32_t class_key) const {
  Turnover found;
  const auto is_of = [&](const Row& row) { return row.hash >> name_bits == class_key ? 1U : 0U; };
  for (std::size_t i = 0, k = 0; i < rows_.size() || k < later.rows_.size();) {
    const bool mine =
        k == later.rows_.size() || (i < rows_.size() && rows_[i].id <= later.rows_[k].id);
    const bool theirs =
        i == rows_.size() || (k < later.rows_.size() && later.rows_[k].id <= rows_[i].id);
    if (mine && !theirs) found.removed += is_of(rows_[i]);
    if (theirs && !mine) found.added += is_of(later.rows_[k]);
    i += mine ? 1 : 0;
    k += theirs ? 1 : 0;
  }
  return found;
}

std::vector<Accumulator> find_accumulators(const HeapGraph& last,
                                           const std::vector<ObjectIds>& ids) {
  const HeapSnapshot& snapshot = last.snapshot();
  std::vector<std::uint32_t> place(snapshot.node_count(), 0);  // in `found`, from 1
  std::vector<Accumulator> found;
  Climb climb(last, ids.front());
  for (NodeIndex node = 1; node < snapshot.node_count(); ++node) {
    const std::uint32_t id = snapshot.node_id[node];
    if (id % 2 == 0 || ids.front().contains(id)) continue;
    // born in the interval before the first snapshot that has it
    std::size_t interval = 0;
    while (interval + 2 < ids.size() && !ids[interval + 1].contains(id)) ++interval;
    const NodeIndex top = climb.from(node);
    if (place[top] == 0) {
      found.push_back({top, 0, 0, std::vector<std::uint64_t>(ids.size() - 1, 0)});
      place[top] = static_cast<std::uint32_t>(found.size());
    }
    Accumulator& accumulator = found[place[top] - 1];
    ++accumulator.objects;
    accumulator.bytes += last.shallow_size(node);
    ++accumulator.born[interval];
  }
  std::sort(found.begin(), found.end(), [](const Accumulator& a, const Accumulator& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.node < b.node;
  });
  return found;
}

}  // namespace triage::v8
