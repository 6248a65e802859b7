#include "lib/traces/forest.h"

#include <algorithm>
#include <utility>

namespace triage::traces {

Forest::Forest(SpanTable table) : table_(std::move(table)) {
  sort_by_trace();
  parent_.assign(table_.size(), none);
  std::vector<Key> keys;
  for (TraceIndex trace = 0; trace < trace_count(); ++trace) find_parents(trace, keys);
  find_children();
  find_circles();
  find_roots();
}

void Forest::sort_by_trace() {
  const std::size_t traces = table_.trace_ids.size();
  first_.assign(traces + 1, 0);
  for (const TraceIndex trace : table_.trace) ++first_[trace + 1];
  for (std::size_t i = 0; i < traces; ++i) first_[i + 1] += first_[i];
  if (std::is_sorted(table_.trace.begin(), table_.trace.end())) return;
  std::vector<SpanIndex> next(first_.begin(), first_.end() - 1);
  std::vector<SpanIndex> place(table_.size());
  for (std::size_t i = 0; i < place.size(); ++i) place[i] = next[table_.trace[i]]++;
  table_.for_each_column([&](auto& column) {
    auto sorted = column;
    for (std::size_t i = 0; i < place.size(); ++i) sorted[place[i]] = column[i];
    column.swap(sorted);
  });
}

/// Marks duplicates and looks parents up by their ids.
void Forest::find_parents(TraceIndex trace, std::vector<Key>& keys) {
  keys.clear();
  for (SpanIndex span = first_[trace]; span < first_[trace + 1]; ++span)
    keys.push_back({table_.id[span], span});
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return a.id != b.id ? a.id < b.id : a.span < b.span;
  });
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].id != keys[i - 1].id) continue;
    // Zipkin's two halves of a call have one id
    const bool halves = table_.is(keys[i].span, shared) != table_.is(keys[i - 1].span, shared) &&
                        table_.process[keys[i].span] != table_.process[keys[i - 1].span];
    if (halves) continue;
    table_.flags[keys[i].span] |= duplicate;
    ++oddities_.duplicate_spans;
  }
  for (SpanIndex span = first_[trace]; span < first_[trace + 1]; ++span)
    if (!table_.is(span, duplicate)) parent_[span] = parent_of(span, keys);
}

SpanIndex Forest::parent_of(SpanIndex span, const std::vector<Key>& keys) const {
  // the server half of a call is a child of the client half, which has the same id
  const bool half = table_.is(span, shared);
  const auto find = [&](std::uint64_t id, bool want_shared) {
    auto at =
        std::lower_bound(keys.begin(), keys.end(), id,
                         [](const Key& key, std::uint64_t wanted) { return key.id < wanted; });
    for (; at != keys.end() && at->id == id; ++at)
      if (table_.is(at->span, shared) == want_shared && !table_.is(at->span, duplicate) &&
          at->span != span)
        return at->span;
    return none;
  };
  if (half) {
    const SpanIndex client = find(table_.id[span], false);
    if (client != none) return client;
  }
  const std::uint64_t id = table_.parent_id[span];
  if (id == 0) return none;
  const SpanIndex server = find(id, true);
  if (server != none && table_.service(server) == table_.service(span)) return server;
  const SpanIndex plain = find(id, false);
  return plain != none ? plain : server;
}

void Forest::find_children() {
  child_first_.assign(table_.size() + 1, 0);
  for (const SpanIndex parent : parent_)
    if (parent != none) ++child_first_[parent + 1];
  for (std::size_t i = 0; i < table_.size(); ++i) child_first_[i + 1] += child_first_[i];
  children_.resize(child_first_.back());
  std::vector<SpanIndex> next(child_first_.begin(), child_first_.end() - 1);
  for (SpanIndex span = 0; span < table_.size(); ++span)
    if (parent_[span] != none) children_[next[parent_[span]]++] = span;
}

/// What cannot be reached from a span without a parent hangs on a circle.
void Forest::find_circles() {
  std::vector<bool> reached(table_.size(), false);
  std::vector<SpanIndex> open;
  for (SpanIndex span = 0; span < table_.size(); ++span) {
    if (parent_[span] != none || table_.is(span, duplicate)) continue;
    open.push_back(span);
    while (!open.empty()) {
      const SpanIndex one = open.back();
      open.pop_back();
      reached[one] = true;
      for (const SpanIndex child : children(one)) open.push_back(child);
    }
  }
  for (SpanIndex span = 0; span < table_.size(); ++span) {
    if (reached[span] || table_.is(span, duplicate)) continue;
    table_.flags[span] |= adrift;
    ++oddities_.circular_spans;
  }
}

void Forest::find_roots() {
  main_root_.assign(trace_count(), none);
  for (TraceIndex trace = 0; trace < trace_count(); ++trace) {
    if (first_[trace] == first_[trace + 1]) continue;  // all its spans were cut away
    std::int64_t roots = 0;
    SpanIndex best = none;
    for (SpanIndex span = first_[trace]; span < first_[trace + 1]; ++span) {
      if (!usable(span) || parent_[span] != none) continue;
      const bool root = table_.parent_id[span] == 0;
      roots += root ? 1 : 0;
      oddities_.orphan_spans += root ? 0 : 1;
      const auto rank = [&](SpanIndex one) {
        return std::pair(table_.parent_id[one] == 0, table_.duration_ns[one]);
      };
      if (best == none || rank(span) > rank(best)) best = span;
    }
    main_root_[trace] = best;
    oddities_.traces_without_root += roots == 0 ? 1 : 0;
    oddities_.traces_with_several_roots += roots > 1 ? 1 : 0;
  }
}

void Forest::shift_start(SpanIndex span, std::int64_t by_ns) {
  constexpr std::int64_t latest = std::int64_t{1} << 62;
  table_.start_ns[span] = std::clamp<std::int64_t>(table_.start_ns[span] + by_ns, 0, latest);
  table_.flags[span] |= skewed;
}

}  // namespace triage::traces
