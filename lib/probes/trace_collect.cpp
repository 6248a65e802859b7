#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/probes/trace.h"
#include "lib/probes/trace_flame.h"
#include "lib/traces/patterns.h"
#include "lib/traces/row_text.h"
#include "lib/traces/summarise.h"

namespace triage::probes::trace {
namespace {

constexpr std::size_t most_tree_rows = 500;

using traces::Forest;
using traces::SpanIndex;

std::int64_t number(std::size_t value) {
  return static_cast<std::int64_t>(value);
}

template <class Rows>
Rows cut(Rows rows, std::size_t top) {
  if (rows.size() > top) rows.resize(top);
  return rows;
}

std::string rfc3339(std::int64_t ns) {
  return to_rfc3339(WallTime(std::chrono::duration_cast<WallTime::duration>(Duration(ns))));
}

void count_roots(const Forest& forest, Sample& sample) {
  const traces::SpanTable& spans = forest.spans();
  std::int64_t first = 0;
  std::int64_t last = 0;
  for (traces::TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex root = forest.main_root(trace);
    if (root == traces::none) continue;
    first = sample.traces_count == 0 ? spans.start_ns[root] : std::min(first, spans.start_ns[root]);
    last = std::max(last, spans.end_ns(root));
    ++sample.traces_count;
    sample.failed_traces_count += spans.is(root, traces::failed) ? 1 : 0;
  }
  if (sample.traces_count == 0) return;
  sample.from = rfc3339(first);
  sample.to = rfc3339(last);
}

/// Own part of the critical path of each span, milliseconds.
std::vector<double> path_times(const Forest& forest, const traces::CriticalPaths& paths) {
  std::vector<double> times(forest.spans().size(), 0);
  for (const auto& step : paths.steps) times[step.span] += traces::to_ms(step.own_ns);
  return times;
}

/// The spans of one trace, children below their parent by start.
std::vector<TreeRow> tree_of(const Forest& forest, const std::vector<double>& path_ms) {
  const traces::SpanTable& spans = forest.spans();
  std::vector<std::pair<SpanIndex, std::int64_t>> open;
  const auto open_all = [&](std::vector<SpanIndex> list, std::int64_t depth) {
    std::sort(list.begin(), list.end(), [&](SpanIndex a, SpanIndex b) {
      return std::pair(spans.start_ns[a], a) > std::pair(spans.start_ns[b], b);
    });
    for (const SpanIndex span : list) open.emplace_back(span, depth);
  };
  std::vector<SpanIndex> roots;
  for (SpanIndex span = 0; span < spans.size(); ++span)
    if (forest.usable(span) && forest.parent(span) == traces::none) roots.push_back(span);
  open_all(roots, 0);
  const std::int64_t zero = roots.empty() ? 0 : spans.start_ns[open.back().first];
  std::vector<TreeRow> rows;
  while (!open.empty() && rows.size() < most_tree_rows) {
    const auto [span, depth] = open.back();
    open.pop_back();
    rows.push_back(
        {depth, traces::text_of(spans, spans.service(span)),
         traces::text_of(spans, spans.operation[span]), traces::text_of(spans, spans.detail[span]),
         traces::text_of(spans, spans.error[span]), traces::to_ms(spans.start_ns[span] - zero),
         traces::to_ms(spans.duration_ns[span]), path_ms[span]});
    const auto children = forest.children(span);
    open_all({children.begin(), children.end()}, depth + 1);
  }
  return rows;
}

/// RFC 4180: quoted when needed, quotes doubled.
std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + "\"";
}

/// One line for each span: for spreadsheets and databases.
void write_csv(const std::string& path, const Forest& forest, const std::vector<double>& path_ms,
               Session& session) {
  const traces::SpanTable& spans = forest.spans();
  std::ofstream file(path, std::ios::binary);
  file << "trace_id,span_id,parent_span_id,service,operation,kind,detail,start,duration_ms,self_ms,"
          "critical_path_ms,failed,error,http_status,clock_corrected\r\n";
  for (SpanIndex span = 0; span < spans.size() && file; ++span) {
    const auto text = [&](traces::TextIndex index) { return csv_cell(spans.texts[index]); };
    fmt::print(file, "{},{},{},{},{},{},{},{},{:.6f},{:.6f},{:.6f},{},{},{},{}\r\n",
               csv_cell(spans.trace_id(spans.trace[span])), spans.span_id(span),
               spans.parent_id[span] == 0 ? "" : fmt::format("{:016x}", spans.parent_id[span]),
               text(spans.service(span)), text(spans.operation[span]),
               traces::name_of(spans.kind[span]), text(spans.detail[span]),
               rfc3339(spans.start_ns[span]), traces::to_ms(spans.duration_ns[span]),
               traces::to_ms(traces::self_time_ns(forest, span)), path_ms[span],
               spans.is(span, traces::failed), text(spans.error[span]), spans.http_status[span],
               spans.is(span, traces::skewed));
  }
  file.flush();
  if (!file)
    throw Error(ErrorCode::usage,
                fmt::format("{} cannot be written: {}", path, std::strerror(errno)),
                "check the path, its permissions and the space left");
  session.touch({"file written", path, 1, 0});
}

void add_facts(const Options& options, const TraceInput& input, const traces::CriticalPaths& paths,
               Sample& sample) {
  const Forest& now = input.now;
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  sample.entries = cut(traces::entries(now), top);
  sample.operations = cut(traces::operations(now, paths), top);
  const double slow_ms = static_cast<double>(options.slow_over.count());
  sample.slow =
      !options.input.has_baseline()
          ? traces::compare_slow(now, paths, slow_ms)
          : traces::compare_sets(now, paths, input.then, traces::critical_paths(input.then));
  sample.waits = traces::waits(now, paths);
  sample.failures = cut(traces::failure_origins(now), top);
  sample.repeated = cut(traces::repeated_calls(now), top);
  sample.retries = cut(traces::retries(now), top);
  sample.sequential = cut(traces::sequential_calls(now), top);
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  const TraceInput input = read_traces(options.input, "trace", session);
  const Forest& now = input.now;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = target_of(options.input);
  sample.sources = input.sources;
  sample.gaps = input.gaps;
  sample.clocks = input.skews;
  sample.spans_count = number(now.spans().size());
  count_roots(now, sample);
  sample.baseline_traces_count = traces::usable_traces(input.then);
  const traces::Oddities& odd = now.oddities();
  sample.recording = {
      odd.traces_without_root,         odd.traces_with_several_roots, odd.orphan_spans,
      traces::count_lost_callees(now), odd.duplicate_spans,           odd.circular_spans,
      input.impossible_order_count};
  session.progress("following critical paths");
  const traces::CriticalPaths paths = traces::critical_paths(now);
  add_facts(options, input, paths, sample);
  if (!options.flame.empty()) {
    write_flame(options.flame, now, paths);
    session.touch({"file written", options.flame, 1, 0});
  }
  if (sample.traces_count == 1 || !options.csv.empty()) {
    const auto path_ms = path_times(now, paths);
    if (sample.traces_count == 1) sample.tree = tree_of(now, path_ms);
    if (!options.csv.empty()) write_csv(options.csv, now, path_ms, session);
  }
  return sample;
}

}  // namespace triage::probes::trace
