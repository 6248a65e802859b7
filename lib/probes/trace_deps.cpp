#include "lib/probes/trace_deps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/probes/trace_server.h"
#include "lib/traces/row_text.h"
#include "lib/traces/summarise.h"

namespace triage::probes::trace_deps {
namespace {

constexpr std::int64_t enough_calls = 20;  ///< of both sets, for a word about times and failures
constexpr double slower_factor = 1.5;
constexpr double slower_ms = 10;
constexpr double failing_more = 0.01;  ///< of the calls, more than before
constexpr double more_calls = 1.5;     ///< for each trace of the caller

std::string ms(double value) {
  return format_duration(value / 1000);
}

std::string change_of(const Edge& edge) {
  if (!edge.now && !edge.then) return "";
  if (!edge.then) return edge.counted_then_count ? "" : "new";
  if (!edge.now) return edge.counted_count ? "" : "gone";
  const auto& now = *edge.now;
  const auto& then = *edge.then;
  if (now.calls_count < enough_calls || then.calls_count < enough_calls) return "";
  if (now.failed_ratio >= then.failed_ratio + failing_more &&
      now.failed_ratio >= 2 * then.failed_ratio)
    return "failing";
  if (now.p95_ms >= slower_factor * then.p95_ms && now.p95_ms - then.p95_ms >= slower_ms &&
      now.median_ms > then.median_ms)
    return "slower";
  return now.calls_per_trace >= more_calls * then.calls_per_trace ? "more calls" : "";
}

void judge(Result& result) {
  Envelope& envelope = result.envelope;
  for (const auto& edge : result.dependencies) {
    const std::string who = edge.caller + " -> " + edge.callee;
    if (edge.change == "failing")
      envelope.find("dependency_failing", Severity::warn,
                    fmt::format("{}: {} of {} calls fail, {} before", who,
                                format_ratio(edge.now->failed_ratio), edge.now->calls_count,
                                format_ratio(edge.then->failed_ratio)));
    else if (edge.change == "slower")
      envelope.find("dependency_slower", Severity::warn,
                    fmt::format("{}: p95 {} against {} before (median {} against {})", who,
                                ms(edge.now->p95_ms), ms(edge.then->p95_ms),
                                ms(edge.now->median_ms), ms(edge.then->median_ms)));
    else if (edge.change == "more calls")
      envelope.find("dependency_more_calls", Severity::warn,
                    fmt::format("{}: {:.1f} calls per trace against {:.1f} before", who,
                                edge.now->calls_per_trace, edge.then->calls_per_trace));
    else if (!edge.change.empty())
      envelope.find("dependency_" + edge.change, Severity::info, who + " is " + edge.change);
  }
  if (result.baseline_traces_count > 0) return;
  for (const auto& edge : result.dependencies)
    if (edge.now && edge.now->calls_count >= enough_calls &&
        edge.now->failed_ratio >= 5 * failing_more)
      envelope.find("dependency_failing", Severity::warn,
                    fmt::format("{} -> {}: {} of {} calls fail", edge.caller, edge.callee,
                                format_ratio(edge.now->failed_ratio), edge.now->calls_count));
}

}  // namespace

Help help() {
  return {
      "Reads traces and lists who calls whom: calls for each trace, failures and times as the "
      "caller sees them; what has no spans of its own (databases, foreign services) is external. "
      "'in all' are the calls that Jaeger itself counts in all traces of the window. "
      "With --baseline it says which dependency is new, gone, failing, slower or called more.",
      {{"triage trace deps traces.json", "the call graph with times and failures"},
       {"triage trace deps now.json --baseline yesterday.json", "what changed"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  describe_traces(options.input, visitor);
  visitor.visit({"top", "rows of the table", "N", {}, false, false, 0}, options.top);
}

Sample collect(const Options& options, Session& session) {
  TraceInput input = read_traces(options.input, "trace deps", session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = target_of(options.input);
  sample.sources = std::move(input.sources);
  sample.gaps = std::move(input.gaps);
  sample.traces_count = traces::usable_traces(input.now);
  sample.baseline_traces_count = traces::usable_traces(input.then);
  sample.now = traces::dependencies(input.now);
  sample.then = traces::dependencies(input.then);
  if (options.input.jaeger.empty() || !options.input.trace_ids.empty()) return sample;
  const auto counted = [&](bool baseline) {
    return attempt(sample.gaps, "dependencies.counted_count",
                   [&] { return read_dependencies(options.input, baseline, session); })
        .value_or(std::vector<backends::Dependency>());
  };
  sample.counted = counted(false);
  if (options.input.baseline_before.count() > 0) sample.counted_then = counted(true);
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.sources = sample.sources;
  result.traces_count = sample.traces_count;
  result.baseline_traces_count = sample.baseline_traces_count;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.envelope.provenance.push_back(
      {{"/dependencies", "/traces_count", "/baseline_traces_count", "/sources"},
       sample.target,
       sample.at,
       repeat_command("trace deps", options.input)});
  std::map<std::tuple<std::string, std::string, std::string>, Edge> edges;
  const auto edge_of = [&](const auto& row, const std::string& kind) -> Edge& {
    Edge& edge = edges[{row.caller, row.callee, kind}];
    edge.caller = row.caller;
    edge.callee = row.callee;
    edge.kind = kind;
    return edge;
  };
  for (const auto& row : sample.now) edge_of(row, row.kind).now = row;
  for (const auto& row : sample.then) edge_of(row, row.kind).then = row;
  for (const auto& row : sample.counted) edge_of(row, "service").counted_count = row.calls_count;
  for (const auto& row : sample.counted_then)
    edge_of(row, "service").counted_then_count = row.calls_count;
  for (auto& [key, edge] : edges) {
    if (sample.baseline_traces_count > 0) edge.change = change_of(edge);
    result.dependencies.push_back(edge);
  }
  traces::sort_rows(result.dependencies, [](const Edge& edge) {
    return std::tuple(edge.change.empty(), edge.now ? -edge.now->calls_count : 0, edge.caller,
                      edge.callee);
  });
  if (sample.traces_count == 0)
    result.envelope.find("no_traces", Severity::unknown,
                         "no trace matches: this says nothing about the service");
  else
    judge(result);
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  if (result.dependencies.size() > top) result.dependencies.resize(top);
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  const bool both = result.baseline_traces_count > 0;
  Table table{{{"caller -> callee", false, true},
               {"calls", true, false},
               {"per trace", true, false},
               {"failed", true, false},
               {"median", true, false},
               {"p95", true, false},
               {"p99", true, false}},
              {}};
  const bool counted =
      std::any_of(result.dependencies.begin(), result.dependencies.end(),
                  [](const Edge& edge) { return edge.counted_count || edge.counted_then_count; });
  if (counted) table.columns.push_back({"in all", true, false});
  if (both) table.columns.push_back({"change", false, false});
  const auto add = [&](const std::string& who, const std::optional<traces::DependencyRow>& row,
                       const std::optional<std::int64_t>& all, const std::string& change) {
    std::vector<std::string> cells{who, "-", "-", "-", "-", "-", "-"};
    if (row)
      cells = {who,
               format_count(row->calls_count),
               fmt::format("{:.1f}", row->calls_per_trace),
               format_ratio(row->failed_ratio),
               ms(row->median_ms),
               ms(row->p95_ms),
               ms(row->p99_ms)};
    if (counted) cells.push_back(all ? format_count(*all) : "-");
    if (both) cells.push_back(change);
    table.rows.push_back(std::move(cells));
  };
  for (const auto& edge : result.dependencies) {
    add(edge.caller + " -> " + edge.callee, edge.now, edge.counted_count, edge.change);
    if (both) add("  before", edge.then, edge.counted_then_count, "");
  }
  return {
      {"DEPENDENCIES",
       both ? fmt::format("{} traces against {} of the baseline", format_count(result.traces_count),
                          format_count(result.baseline_traces_count))
            : format_count(result.traces_count) + " traces",
       {std::move(table)},
       false}};
}

}  // namespace triage::probes::trace_deps
