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

std::uint32_t hash_of_kind(NodeKind kind, std::size_t name_hash) {
  const bool by_name = kind == NodeKind::object || kind == NodeKind::native;
  const std::uint32_t of_class =
      mixed((by_name ? name_hash : 0) + static_cast<std::size_t>(kind) + 1);
  const std::uint32_t hash =
      (of_class >> name_bits << name_bits) | (mixed(name_hash) >> class_bits);
  return hash == 0 ? 1 : hash;  // 0 stands for an id that is not there
}

std::size_t hash_of_name(std::string_view name) {
  return std::hash<std::string_view>{}(name);
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
  Column<NodeIndex> top_;
  std::vector<NodeIndex> path_;
};

}  // namespace

ObjectIds::ObjectIds(const HeapSnapshot& snapshot) {
  std::uint32_t largest = 0;
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node)
    if (snapshot.node_id[node] % 2 == 1) largest = std::max(largest, snapshot.node_id[node]);
  places_ = Column<std::uint32_t>(largest / 2 / page_ids + 1, 0);
  std::uint32_t pages = 0;
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    const std::uint32_t id = snapshot.node_id[node];
    if (id % 2 == 0) continue;
    std::uint32_t& place = places_[id / 2 / page_ids];
    if (place == 0) place = ++pages;
  }
  Column<std::size_t> names(snapshot.string_count());
  for (StringIndex i = 0; i < snapshot.string_count(); ++i)
    names[i] = hash_of_name(snapshot.raw_string(i));
  hashes_ = Column<std::uint32_t>(std::size_t{pages + 1U} * page_ids, 0);
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    const std::uint32_t id = snapshot.node_id[node];
    if (id % 2 == 0) continue;
    std::uint32_t& hash = hashes_[place_of(id)];
    if (hash == 0) ++size_;
    hash = hash_of_kind(snapshot.node_kind[node], names[snapshot.node_name[node]]);
  }
}

/// Calls `function` with what both have for each id that one of them has; 0 when it has not.
template <class Function>
void ObjectIds::for_each_pair(const ObjectIds& other, Function function) const {
  const std::size_t pages = std::max(places_.size(), other.places_.size());
  for (std::size_t page = 0; page < pages; ++page) {
    const std::uint32_t* mine = page_at(page);
    const std::uint32_t* theirs = other.page_at(page);
    if (mine == theirs) continue;  // neither has one
    for (std::uint32_t i = 0; i < page_ids; ++i) {
      const std::uint32_t a = mine == nullptr ? 0 : mine[i];
      const std::uint32_t b = theirs == nullptr ? 0 : theirs[i];
      if (a != 0 || b != 0) function(a, b);
    }
  }
}

double ObjectIds::agreement(const ObjectIds& other) const {
  std::uint64_t shared = 0;
  std::uint64_t same = 0;
  for_each_pair(other, [&](std::uint32_t mine, std::uint32_t theirs) {
    if (mine == 0 || theirs == 0) return;
    ++shared;
    if (mine == theirs) ++same;
  });
  return shared == 0 ? 0 : static_cast<double>(same) / static_cast<double>(shared);
}

std::uint32_t ObjectIds::class_key(const HeapSnapshot& snapshot, NodeIndex node) {
  return hash_of_kind(snapshot.node_kind[node], hash_of_name(snapshot.raw_name(node))) >> name_bits;
}

Turnover ObjectIds::turnover(const ObjectIds& later, std::uint32_t class_key) const {
  Turnover found;
  const auto is_of = [&](std::uint32_t hash) { return hash >> name_bits == class_key ? 1U : 0U; };
  for_each_pair(later, [&](std::uint32_t mine, std::uint32_t theirs) {
    if (theirs == 0) found.removed += is_of(mine);
    if (mine == 0) found.added += is_of(theirs);
  });
  return found;
}

std::vector<Accumulator> find_accumulators(const HeapGraph& last,
                                           const std::vector<ObjectIds>& ids) {
  const HeapSnapshot& snapshot = last.snapshot();
  Column<std::uint32_t> place(snapshot.node_count(), 0);  // in `found`, from 1
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
