#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "lib/stats/rank_test.h"
#include "lib/stats/robust.h"
#include "lib/traces/row_text.h"
#include "lib/traces/summarise.h"

namespace triage::traces {
namespace {

constexpr std::size_t fewest_traces = 15;
constexpr std::size_t fewest_slow = 5;
constexpr std::size_t most_traces = 2000;  ///< of a set; of more every k-th stands for the others
constexpr std::size_t most_groups = 5;
constexpr std::size_t most_differences = 10;

/// Texts and not numbers: two tables number their texts in their own ways.
using Key = std::pair<std::string, std::string>;

struct Spent {
  double ms = 0;     ///< own time on the critical path
  double calls = 0;  ///< spans
};

struct OneTrace {
  double ms = 0;
  std::string id;
  std::map<Key, Spent> spent;
};

using Groups = std::map<Key, std::vector<TraceIndex>>;

Groups groups_of(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  Groups groups;
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex root = forest.main_root(trace);
    if (root != none)
      groups[{text_of(spans, spans.service(root)), text_of(spans, spans.operation[root])}]
          .push_back(trace);
  }
  return groups;
}

/// The traces of a set with what each operation spends in them.
std::vector<OneTrace> profiles(const Forest& forest, const CriticalPaths& paths,
                               const std::vector<SpanIndex>& callee,
                               const std::vector<TraceIndex>& traces) {
  const SpanTable& spans = forest.spans();
  const auto key = [&](SpanIndex span, const char* prefix) {
    return Key(text_of(spans, spans.service(span)), prefix + text_of(spans, spans.operation[span]));
  };
  std::vector<OneTrace> all;
  const std::size_t step = (traces.size() + most_traces - 1) / most_traces;
  for (std::size_t at = 0; at < traces.size(); at += step) {
    const TraceIndex trace = traces[at];
    OneTrace& one = all.emplace_back();
    one.ms = to_ms(spans.duration_ns[forest.main_root(trace)]);
    one.id = spans.trace_id(trace);
    for (SpanIndex span = forest.first(trace); span < forest.end(trace); ++span)
      if (forest.usable(span)) one.spent[key(span, "")].calls += 1;
    for (std::size_t i = paths.first[trace]; i < paths.first[trace + 1]; ++i) {
      const BeforeCallee before = before_callee(forest, paths.steps, callee, i);
      one.spent[key(paths.steps[i].span, "")].ms += to_ms(paths.steps[i].own_ns - before.ns);
      if (before.ns == 0) continue;
      Spent& waiting = one.spent[key(before.callee, "(before) ")];
      waiting.ms += to_ms(before.ns);
      waiting.calls += 1;
    }
  }
  return all;
}

std::vector<double> durations(const std::vector<OneTrace>& traces) {
  std::vector<double> all;
  for (const auto& trace : traces) all.push_back(trace.ms);
  return all;
}

struct Columns {
  std::vector<double> ms;
  double calls = 0;
};

Columns columns_of(const std::vector<OneTrace>& traces, const Key& key) {
  Columns columns;
  for (const auto& trace : traces) {
    const auto found = trace.spent.find(key);
    columns.ms.push_back(found == trace.spent.end() ? 0 : found->second.ms);
    columns.calls += found == trace.spent.end() ? 0 : found->second.calls;
  }
  return columns;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/// The median of the slow traces if the operation took its normal mean in each of them.
double median_if_normal(const std::vector<OneTrace>& slow, const std::vector<double>& spent,
                        double normal_ms) {
  std::vector<double> changed;
  for (std::size_t i = 0; i < slow.size(); ++i)
    changed.push_back(slow[i].ms - std::max(spent[i] - normal_ms, 0.0));
  return stats::median(changed).value_or(0);
}

Comparison compare(const Key& entry, const std::vector<OneTrace>& normal,
                   const std::vector<OneTrace>& slow) {
  Comparison result;
  result.service = entry.first;
  result.operation = entry.second;
  result.normal_count = static_cast<std::int64_t>(normal.size());
  result.slow_count = static_cast<std::int64_t>(slow.size());
  const auto normal_durations = durations(normal);
  const auto slow_durations = durations(slow);
  result.normal_median_ms = stats::median(normal_durations).value_or(0);
  result.slow_median_ms = stats::median(slow_durations).value_or(0);
  result.slow_from_ms = *std::min_element(slow_durations.begin(), slow_durations.end());
  const double gap = mean(slow_durations) - mean(normal_durations);
  std::map<Key, bool> keys;
  for (const auto* set : {&normal, &slow})
    for (const auto& trace : *set)
      for (const auto& [key, spent] : trace.spent) keys.emplace(key, true);
  std::vector<double> p_values;
  for (const auto& [key, used] : keys) {
    const Columns in_normal = columns_of(normal, key);
    const Columns in_slow = columns_of(slow, key);
    Difference row;
    row.service = key.first;
    row.operation = key.second;
    row.normal_ms = mean(in_normal.ms);
    row.slow_ms = mean(in_slow.ms);
    row.gap_ratio = gap > 0 ? (row.slow_ms - row.normal_ms) / gap : 0;
    row.normal_calls = in_normal.calls / static_cast<double>(normal.size());
    row.slow_calls = in_slow.calls / static_cast<double>(slow.size());
    row.median_if_normal_ms = median_if_normal(slow, in_slow.ms, row.normal_ms);
    p_values.push_back(stats::mann_whitney(in_slow.ms, in_normal.ms));
    result.differences.push_back(std::move(row));
  }
  const auto adjusted = stats::holm(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) result.differences[i].p_value = adjusted[i];
  sort_rows(result.differences, [](const Difference& row) {
    return std::tuple(-(row.slow_ms - row.normal_ms), row.service, row.operation);
  });
  if (result.differences.size() > most_differences) result.differences.resize(most_differences);
  // the example is the slow trace that is nearest to the middle of them
  const auto nearest =
      std::min_element(slow.begin(), slow.end(), [&](const OneTrace& a, const OneTrace& b) {
        return std::abs(a.ms - result.slow_median_ms) < std::abs(b.ms - result.slow_median_ms);
      });
  result.example = nearest->id;
  return result;
}

/// Largest loss first: how many traces, by how much slower.
void sort_and_cut(std::vector<Comparison>& all) {
  sort_rows(all, [](const Comparison& one) {
    return std::tuple(
        -static_cast<double>(one.slow_count) * (one.slow_median_ms - one.normal_median_ms),
        one.service, one.operation);
  });
  if (all.size() > most_groups) all.resize(most_groups);
}

}  // namespace

std::vector<Comparison> compare_slow(const Forest& forest, const CriticalPaths& paths,
                                     double slow_from_ms) {
  const SpanTable& spans = forest.spans();
  const auto callee = callee_steps(forest, paths.steps);
  std::vector<Comparison> all;
  for (auto& [entry, traces] : groups_of(forest)) {
    if (traces.size() < fewest_traces) continue;
    const auto duration = [&](TraceIndex trace) {
      return spans.duration_ns[forest.main_root(trace)];
    };
    std::stable_sort(traces.begin(), traces.end(),
                     [&](TraceIndex a, TraceIndex b) { return duration(a) < duration(b); });
    std::size_t slow = std::max(fewest_slow, (traces.size() + 19) / 20);
    if (slow_from_ms > 0)
      slow = static_cast<std::size_t>(
          std::count_if(traces.begin(), traces.end(),
                        [&](TraceIndex trace) { return to_ms(duration(trace)) >= slow_from_ms; }));
    // what is not slow is normal up to the middle of all
    const std::size_t normal = std::min((traces.size() + 1) / 2, traces.size() - slow);
    if (slow < fewest_slow || normal < fewest_slow) continue;
    const auto begin = traces.begin();
    all.push_back(compare(
        entry,
        profiles(forest, paths, callee, {begin, begin + static_cast<std::ptrdiff_t>(normal)}),
        profiles(forest, paths, callee,
                 {traces.end() - static_cast<std::ptrdiff_t>(slow), traces.end()})));
  }
  sort_and_cut(all);
  return all;
}

std::vector<Comparison> compare_sets(const Forest& now, const CriticalPaths& now_paths,
                                     const Forest& then, const CriticalPaths& then_paths) {
  const auto now_callee = callee_steps(now, now_paths.steps);
  const auto then_callee = callee_steps(then, then_paths.steps);
  const Groups before = groups_of(then);
  std::vector<Comparison> all;
  for (const auto& [entry, traces] : groups_of(now)) {
    const auto same = before.find(entry);
    if (same == before.end() || traces.size() < fewest_slow || same->second.size() < fewest_slow)
      continue;
    all.push_back(compare(entry, profiles(then, then_paths, then_callee, same->second),
                          profiles(now, now_paths, now_callee, traces)));
  }
  sort_and_cut(all);
  return all;
}

}  // namespace triage::traces
