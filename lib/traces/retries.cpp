#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "lib/stats/robust.h"
#include "lib/traces/patterns.h"
#include "lib/traces/row_text.h"

namespace triage::traces {
namespace {

/// An attempt that starts later than this after the failed one is a new call.
constexpr std::int64_t longest_pause_ns = 60'000'000'000;
/// Shorter pauses give a callee in trouble no time.
constexpr double shortest_backoff_ms = 20;

using Call = std::tuple<TextIndex, TextIndex, TextIndex>;

struct Retried {
  RetryRow row;
  std::vector<double> gaps_ms;
  std::int64_t growing = 0;
  std::int64_t steady = 0;
};

void note_pauses(const SpanTable& spans, const std::vector<SpanIndex>& attempts, Retried& found) {
  double last = -1;
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    const double gap =
        std::max(to_ms(spans.start_ns[attempts[i]] - spans.end_ns(attempts[i - 1])), 0.0);
    if (last >= 0) ++(gap > 1.3 * last ? found.growing : found.steady);
    last = gap;
    found.gaps_ms.push_back(gap);
  }
}

/// `attempts`: of one call, by time.
void note(const SpanTable& spans, const std::vector<SpanIndex>& attempts, Retried& found) {
  RetryRow& row = found.row;
  const auto count = static_cast<std::int64_t>(attempts.size());
  ++row.calls_count;
  row.attempts_count += count;
  if (count < 2) return;
  ++row.retried_count;
  row.recovered_count += spans.is(attempts.back(), failed) ? 0 : 1;
  note_pauses(spans, attempts, found);
  if (count <= row.max_attempts) return;
  row.max_attempts = count;
  row.example = spans.trace_id(spans.trace[attempts.front()]);
}

/// Cuts equal siblings into calls: the next one is an attempt of the same call when the one before
/// failed, or when its instrumentation says so.
void split(const SpanTable& spans, std::vector<SpanIndex>& siblings, Retried& found) {
  std::sort(siblings.begin(), siblings.end(), [&](SpanIndex a, SpanIndex b) {
    return std::pair(spans.start_ns[a], a) < std::pair(spans.start_ns[b], b);
  });
  std::vector<SpanIndex> attempts;
  for (const SpanIndex span : siblings) {
    if (!attempts.empty()) {
      const SpanIndex last = attempts.back();
      const std::int64_t pause = spans.start_ns[span] - spans.end_ns(last);
      const bool again = spans.is(span, resent) ||
                         (spans.is(last, failed) && pause >= 0 && pause <= longest_pause_ns);
      if (!again) {
        note(spans, attempts, found);
        attempts.clear();
      }
    }
    attempts.push_back(span);
  }
  if (!attempts.empty()) note(spans, attempts, found);
}

std::string backoff_of(const Retried& found, double gap_ms) {
  if (gap_ms < shortest_backoff_ms) return "none";
  if (found.growing + found.steady == 0) return "unknown";
  return found.growing > found.steady ? "growing" : "constant";
}

}  // namespace

std::vector<RetryRow> retries(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::map<Call, Retried> found;
  std::map<Call, std::vector<SpanIndex>> groups;
  for (SpanIndex parent = 0; parent < spans.size(); ++parent) {
    if (!forest.usable(parent)) continue;
    groups.clear();
    for (const SpanIndex child : forest.children(parent))
      if (forest.usable(child) &&
          (spans.kind[child] == SpanKind::client || spans.is(child, failed | resent)))
        groups[{spans.service(child), spans.operation[child], spans.detail[child]}].push_back(
            child);
    for (auto& [call, siblings] : groups) split(spans, siblings, found[call]);
  }
  std::vector<RetryRow> rows;
  for (auto& [call, one] : found) {
    if (one.row.retried_count == 0) continue;
    RetryRow& row = one.row;
    row.service = text_of(spans, std::get<0>(call));
    row.call = text_of(spans, std::get<1>(call));
    row.detail = text_of(spans, std::get<2>(call));
    row.amplification_ratio =
        static_cast<double>(row.attempts_count) / static_cast<double>(row.calls_count);
    row.gap_ms = stats::median(one.gaps_ms);
    row.backoff = row.gap_ms ? backoff_of(one, *row.gap_ms) : "unknown";
    rows.push_back(std::move(row));
  }
  sort_rows(rows, [](const RetryRow& row) {
    return std::tuple(row.calls_count - row.attempts_count, row.service, row.call, row.detail);
  });
  return rows;
}

}  // namespace triage::traces
