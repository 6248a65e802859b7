#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "lib/base/clock.h"
#include "lib/traces/patterns.h"
#include "lib/traces/row_text.h"

namespace triage::traces {
namespace {

struct Origin {
  FailureOrigin row;
  std::int64_t first_ns = 0;
  TraceIndex last_trace = none;
};

bool has_failed_child(const Forest& forest, SpanIndex span) {
  const auto children = forest.children(span);
  return std::any_of(children.begin(), children.end(), [&](SpanIndex child) {
    return forest.usable(child) && forest.spans().is(child, failed);
  });
}

/// What one call is, wherever it is made.
using Call = std::tuple<TextIndex, TextIndex, TextIndex>;  ///< service, operation, peer

Call call_of(const SpanTable& spans, SpanIndex span) {
  return {spans.service(span), spans.operation[span], spans.peer[span]};
}

/// A call over the network, not a statement: the other side may have spans.
bool is_request(const SpanTable& spans, SpanIndex span) {
  return spans.kind[span] == SpanKind::client && spans.detail[span] == spans.peer[span];
}

bool has_callee(const Forest& forest, SpanIndex span) {
  const auto children = forest.children(span);
  return std::any_of(children.begin(), children.end(), [&](SpanIndex child) {
    return forest.spans().process[child] != forest.spans().process[span];
  });
}

std::string rfc3339(std::int64_t ns) {
  return to_rfc3339(WallTime(std::chrono::duration_cast<WallTime::duration>(Duration(ns))));
}

}  // namespace

std::vector<FailureOrigin> failure_origins(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::map<std::tuple<TextIndex, TextIndex, std::string, TextIndex>, Origin> origins;
  std::int64_t failing_traces = 0;
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex root = forest.main_root(trace);
    bool any = false;
    for (SpanIndex span = forest.first(trace); span < forest.end(trace); ++span) {
      if (!forest.usable(span) || !spans.is(span, failed)) continue;
      any = true;
      if (has_failed_child(forest, span)) continue;
      const bool request = is_request(spans, span) && forest.children(span).empty();
      Origin& origin = origins[{spans.service(span), spans.operation[span],
                                message_group(spans.texts[spans.error[span]]),
                                request ? spans.peer[span] : TextPool::empty}];
      if (origin.first_ns == 0 || spans.start_ns[span] < origin.first_ns)
        origin.first_ns = spans.start_ns[span];
      if (origin.last_trace == trace) continue;
      origin.last_trace = trace;
      ++origin.row.traces_count;
      origin.row.reached_root_count += spans.is(root, failed) ? 1 : 0;
      if (origin.row.example.empty()) origin.row.example = spans.trace_id(trace);
    }
    failing_traces += any ? 1 : 0;
  }
  std::vector<FailureOrigin> rows;
  for (auto& [key, origin] : origins) {
    const auto& [service, operation, error, callee] = key;
    origin.row.service = text_of(spans, service);
    origin.row.operation = text_of(spans, operation);
    origin.row.error = error;
    origin.row.callee = text_of(spans, callee);
    origin.row.traces_ratio =
        static_cast<double>(origin.row.traces_count) / static_cast<double>(failing_traces);
    origin.row.first_at = rfc3339(origin.first_ns);
    rows.push_back(std::move(origin.row));
  }
  sort_rows(rows, [](const FailureOrigin& row) {
    return std::tuple(-row.reached_root_count, -row.traces_count, row.service, row.operation,
                      row.error);
  });
  return rows;
}

std::int64_t count_lost_callees(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::set<Call> answered;
  for (SpanIndex span = 0; span < spans.size(); ++span)
    if (forest.usable(span) && is_request(spans, span) && has_callee(forest, span))
      answered.insert(call_of(spans, span));
  std::int64_t lost = 0;
  for (SpanIndex span = 0; span < spans.size(); ++span)
    if (forest.usable(span) && is_request(spans, span) && !has_callee(forest, span) &&
        answered.contains(call_of(spans, span)))
      ++lost;
  return lost;
}

}  // namespace triage::traces
