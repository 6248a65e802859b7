#include "lib/traces/summarise.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "lib/stats/robust.h"
#include "lib/traces/row_text.h"

namespace triage::traces {
namespace {

using Place = std::pair<TextIndex, TextIndex>;  ///< service, operation

struct PlaceHash {
  std::size_t operator()(const Place& place) const {
    return (std::uint64_t{place.first} << 32 | place.second) * 0x9E3779B97F4A7C15 >> 7;
  }
};

struct Total {
  OperationRow row;
  TraceIndex last_trace = none;
};

double at_quantile(const std::vector<double>& values, double p) {
  return stats::quantile(values, p).value_or(0);
}

}  // namespace

std::vector<SpanIndex> callee_steps(const Forest& forest, const std::vector<PathStep>& steps) {
  const SpanTable& spans = forest.spans();
  std::vector<SpanIndex> callee(steps.size(), none);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const SpanIndex above = steps[i].parent_step;
    if (above == none) continue;
    const SpanIndex caller = steps[above].span;
    if (spans.kind[caller] == SpanKind::client &&
        spans.process[caller] != spans.process[steps[i].span])
      callee[above] = static_cast<SpanIndex>(i);
  }
  return callee;
}

BeforeCallee before_callee(const Forest& /*forest*/, const std::vector<PathStep>& steps,
                           const std::vector<SpanIndex>& callee_step, std::size_t step) {
  const SpanIndex callee = callee_step[step];
  if (callee == none) return {};
  const std::int64_t before = steps[callee].from_ns - steps[step].from_ns;
  return {steps[callee].span, std::clamp<std::int64_t>(before, 0, steps[step].own_ns)};
}

std::int64_t usable_traces(const Forest& forest) {
  std::int64_t count = 0;
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace)
    count += forest.main_root(trace) == none ? 0 : 1;
  return count;
}

std::vector<EntryRow> entries(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::map<Place, std::pair<EntryRow, std::vector<double>>> groups;
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex root = forest.main_root(trace);
    if (root == none) continue;
    auto& [row, durations] = groups[{spans.service(root), spans.operation[root]}];
    const double ms = to_ms(spans.duration_ns[root]);
    ++row.traces_count;
    row.failed_count += spans.is(root, failed) ? 1 : 0;
    if (row.slowest.empty() || ms > row.max_ms) {
      row.max_ms = ms;
      row.slowest = spans.trace_id(trace);
    }
    durations.push_back(ms);
  }
  std::vector<EntryRow> rows;
  for (auto& [place, group] : groups) {
    auto& [row, durations] = group;
    row.service = text_of(spans, place.first);
    row.operation = text_of(spans, place.second);
    row.median_ms = at_quantile(durations, 0.5);
    row.p95_ms = at_quantile(durations, 0.95);
    rows.push_back(std::move(row));
  }
  sort_rows(rows, [](const EntryRow& row) {
    return std::tuple(-static_cast<double>(row.traces_count) * row.median_ms, row.service,
                      row.operation);
  });
  return rows;
}

std::vector<OperationRow> operations(const Forest& forest, const CriticalPaths& paths) {
  const SpanTable& spans = forest.spans();
  std::unordered_map<Place, Total, PlaceHash> places;
  std::unordered_map<Place, Total, PlaceHash> befores;
  for (SpanIndex span = 0; span < spans.size(); ++span) {
    if (!forest.usable(span)) continue;
    OperationRow& row = places[{spans.service(span), spans.operation[span]}].row;
    ++row.calls_count;
    row.failed_count += spans.is(span, failed) ? 1 : 0;
    row.self_ms += to_ms(self_time_ns(forest, span));
  }
  const auto spend = [&](Total& total, double ms, TraceIndex trace) {
    if (ms <= 0) return;
    total.row.path_ms += ms;
    if (total.last_trace != trace) ++total.row.traces_count;
    total.last_trace = trace;
  };
  double all_ms = 0;
  const auto callee = callee_steps(forest, paths.steps);
  for (std::size_t i = 0; i < paths.steps.size(); ++i) {
    const PathStep& step = paths.steps[i];
    const TraceIndex trace = spans.trace[step.span];
    if (step.parent_step == none) all_ms += to_ms(step.to_ns - step.from_ns);
    const BeforeCallee before = before_callee(forest, paths.steps, callee, i);
    spend(places[{spans.service(step.span), spans.operation[step.span]}],
          to_ms(step.own_ns - before.ns), trace);
    if (before.ns == 0) continue;
    Total& total = befores[{spans.service(before.callee), spans.operation[before.callee]}];
    ++total.row.calls_count;
    spend(total, to_ms(before.ns), trace);
  }
  std::vector<OperationRow> rows;
  const auto take = [&](auto& from, const char* prefix) {
    for (auto& [place, total] : from) {
      total.row.service = text_of(spans, place.first);
      total.row.operation = prefix + text_of(spans, place.second);
      total.row.path_ratio = all_ms > 0 ? total.row.path_ms / all_ms : 0;
      rows.push_back(std::move(total.row));
    }
  };
  take(places, "");
  take(befores, "(before) ");
  sort_rows(rows, [](const OperationRow& row) {
    return std::tuple(-row.path_ms, -row.self_ms, row.service, row.operation);
  });
  return rows;
}

std::vector<DependencyRow> dependencies(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  struct Edge {
    DependencyRow row;
    std::int64_t failures = 0;
    std::vector<double> durations;
  };
  std::map<std::tuple<TextIndex, TextIndex, bool>, Edge> edges;
  std::unordered_map<TextIndex, std::int64_t> traces_of;  // service -> traces in which it occurs
  const auto add = [&](TextIndex caller, TextIndex callee, bool external, SpanIndex span) {
    Edge& edge = edges[{caller, callee, external}];
    ++edge.row.calls_count;
    edge.failures += spans.is(span, failed) ? 1 : 0;
    edge.durations.push_back(to_ms(spans.duration_ns[span]));
  };
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    std::set<TextIndex> services;
    for (SpanIndex span = forest.first(trace); span < forest.end(trace); ++span) {
      if (!forest.usable(span)) continue;
      services.insert(spans.service(span));
      const SpanIndex parent = forest.parent(span);
      if (parent != none && spans.service(parent) != spans.service(span))
        // the caller's span is what the caller waits for, if there is one
        add(spans.service(parent), spans.service(span), false,
            spans.kind[parent] == SpanKind::client ? parent : span);
      else if (spans.kind[span] == SpanKind::client && forest.children(span).empty())
        add(spans.service(span), spans.peer[span], true, span);
    }
    for (const TextIndex service : services) ++traces_of[service];
  }
  std::vector<DependencyRow> rows;
  for (auto& [key, edge] : edges) {
    const auto& [caller, callee, external] = key;
    edge.row.caller = text_of(spans, caller);
    edge.row.callee = callee == TextPool::empty ? "(unnamed)" : text_of(spans, callee);
    edge.row.kind = external ? "external" : "service";
    const auto calls = static_cast<double>(edge.row.calls_count);
    edge.row.calls_per_trace =
        calls / static_cast<double>(std::max<std::int64_t>(traces_of[caller], 1));
    edge.row.failed_ratio = static_cast<double>(edge.failures) / calls;
    edge.row.median_ms = at_quantile(edge.durations, 0.5);
    edge.row.p95_ms = at_quantile(edge.durations, 0.95);
    edge.row.p99_ms = at_quantile(edge.durations, 0.99);
    rows.push_back(std::move(edge.row));
  }
  sort_rows(rows, [](const DependencyRow& row) {
    return std::tuple(-row.calls_count, row.caller, row.callee);
  });
  return rows;
}

}  // namespace triage::traces
