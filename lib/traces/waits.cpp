#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "lib/stats/robust.h"
#include "lib/traces/patterns.h"
#include "lib/traces/row_text.h"
#include "lib/traces/summarise.h"

namespace triage::traces {
namespace {

/// Traces that would have shown up during the silence of a process that works as on average: fewer,
/// and a silence proves nothing.
constexpr double fewest_expected = 5;
constexpr std::int64_t long_wait_ns = 20'000'000;  ///< an event loop in good health is far below

/// When spans of a process began and ended, in every trace: a process that does nothing for long
/// while something waits for it had its event loop blocked, or was stopped.
class Events {
 public:
  explicit Events(const Forest& forest)
      : times_(forest.spans().processes.size()), traces_(times_.size()) {
    const SpanTable& spans = forest.spans();
    std::vector<TraceIndex> last(times_.size(), none);
    for (SpanIndex span = 0; span < spans.size(); ++span) {
      auto& times = times_[spans.process[span]];
      times.push_back(spans.start_ns[span]);
      times.push_back(spans.end_ns(span));
      first_ns_ = span == 0 ? spans.start_ns[span] : std::min(first_ns_, spans.start_ns[span]);
      last_ns_ = std::max(last_ns_, spans.end_ns(span));
      // the spans of a trace are neighbours
      TraceIndex& seen = last[spans.process[span]];
      traces_[spans.process[span]] += seen != spans.trace[span] ? 1 : 0;
      seen = spans.trace[span];
    }
    for (auto& times : times_) std::sort(times.begin(), times.end());
  }

  /// The longest stretch within the interval without an event, as a part of it.
  /// Traces a nanosecond in which the process takes part.
  [[nodiscard]] double trace_rate(ProcessIndex process) const {
    const auto extent = static_cast<double>(last_ns_ - first_ns_);
    return extent > 0 ? static_cast<double>(traces_[process]) / extent : 0;
  }

  [[nodiscard]] double silent_part(ProcessIndex process, std::int64_t from, std::int64_t to) const {
    const auto& times = times_[process];
    if (to <= from) return 0;
    std::int64_t last = from;
    std::int64_t longest = 0;
    for (auto at = std::upper_bound(times.begin(), times.end(), from);
         at != times.end() && *at < to; ++at) {
      longest = std::max(longest, *at - last);
      last = *at;
    }
    longest = std::max(longest, to - last);
    return static_cast<double>(longest) / static_cast<double>(to - from);
  }

 private:
  std::vector<std::vector<std::int64_t>> times_;
  std::vector<std::int64_t> traces_;
  std::int64_t first_ns_ = 0;  ///< of all that was recorded
  std::int64_t last_ns_ = 0;
};

/// Spans that did something by themselves for long: what may have held the loop.
class Workers {
 public:
  explicit Workers(const Forest& forest) : by_process_(forest.spans().processes.size()) {
    const SpanTable& spans = forest.spans();
    for (SpanIndex span = 0; span < spans.size(); ++span) {
      const bool inside =
          spans.kind[span] == SpanKind::internal || spans.kind[span] == SpanKind::unset;
      if (!inside || !forest.usable(span) || spans.duration_ns[span] < long_wait_ns ||
          !forest.children(span).empty())
        continue;
      by_process_[spans.process[span]].push_back(span);
      longest_ns_ = std::max(longest_ns_, spans.duration_ns[span]);
    }
    for (auto& list : by_process_)
      std::sort(list.begin(), list.end(),
                [&](SpanIndex a, SpanIndex b) { return spans.start_ns[a] < spans.start_ns[b]; });
  }

  /// Adds to `times` for each operation how long it ran during the interval.
  void add(const SpanTable& spans, ProcessIndex process, std::int64_t from, std::int64_t to,
           std::map<TextIndex, double>& times) const {
    const auto& list = by_process_[process];
    auto at = std::lower_bound(
        list.begin(), list.end(), from - longest_ns_,
        [&](SpanIndex span, std::int64_t start) { return spans.start_ns[span] < start; });
    for (; at != list.end() && spans.start_ns[*at] < to; ++at) {
      const std::int64_t overlap =
          std::min(to, spans.end_ns(*at)) - std::max(from, spans.start_ns[*at]);
      if (overlap > 0) times[spans.operation[*at]] += to_ms(overlap);
    }
  }

 private:
  std::vector<std::vector<SpanIndex>> by_process_;
  std::int64_t longest_ns_ = 0;
};

/// How silent a process was during intervals in which something waited.
class Silence {
 public:
  void add(const Events& events, ProcessIndex process, std::int64_t from, std::int64_t to) {
    const double ms = to_ms(to - from);
    part_ms_ += events.silent_part(process, from, to) * ms;
    whole_ms_ += ms;
    waits_.push_back({process, from, to});
  }

  /// Part of the time; nothing when so few traces pass through that silence is no surprise.
  [[nodiscard]] std::optional<double> value(const Events& events) {
    std::sort(waits_.begin(), waits_.end());
    double expected = 0;
    std::int64_t covered = 0;
    for (std::size_t i = 0; i < waits_.size(); ++i) {
      const auto& [process, from, to] = waits_[i];
      if (i == 0 || process != std::get<0>(waits_[i - 1])) covered = from;
      const std::int64_t fresh = std::max<std::int64_t>(to - std::max(covered, from), 0);
      expected += static_cast<double>(fresh) * events.trace_rate(process);
      covered = std::max(covered, to);
    }
    if (expected < fewest_expected) return std::nullopt;
    return part_ms_ / whole_ms_;
  }

 private:
  double part_ms_ = 0;
  double whole_ms_ = 0;
  std::vector<std::tuple<ProcessIndex, std::int64_t, std::int64_t>> waits_;
};

struct Service {
  WaitRow row;
  std::vector<double> before_ms;
  std::vector<double> uncovered_ms;
  std::vector<double> pool_ms;
  Silence silent;
  Silence caller_silent;
  Silence uncovered_silent;
  double longest_ms = -1;
  double long_waits_ms = 0;
  std::map<TextIndex, double> meanwhile_ms;
};

/// "pg-pool.connect", "mysql2.pool.getConnection", "prisma:engine:connection", "knex.acquire".
bool is_pool_wait(std::string_view operation) {
  std::string lower;
  for (const char c : operation)
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool pool = lower.find("pool") != std::string::npos;
  const bool wait = lower.find("connect") != std::string::npos ||
                    lower.find("acquire") != std::string::npos ||
                    lower.find("checkout") != std::string::npos;
  return (pool && wait) || lower.find("acquire") != std::string::npos ||
         lower == "prisma:engine:connection" || lower == "prisma:client:connection";
}

void note_before(const Forest& forest, const Events& events, const Workers& workers, SpanIndex span,
                 Service& service) {
  const SpanTable& spans = forest.spans();
  const SpanIndex caller = forest.parent(span);
  const std::int64_t sent = spans.start_ns[caller];
  const std::int64_t began = std::max(spans.start_ns[span], sent);
  const double ms = to_ms(began - sent);
  ++service.row.calls_count;
  service.before_ms.push_back(ms);
  if (ms > service.longest_ms) {
    service.longest_ms = ms;
    service.row.example = spans.trace_id(spans.trace[span]);
  }
  if (began - sent < long_wait_ns) return;
  service.long_waits_ms += ms;
  workers.add(spans, spans.process[span], sent, began, service.meanwhile_ms);
  service.silent.add(events, spans.process[span], sent, began);
  service.caller_silent.add(events, spans.process[caller], sent, began);
}

/// The longest stretch of a server span in which none of its children ran.
void note_uncovered(const Forest& forest, const Events& events, SpanIndex span, Service& service) {
  const SpanTable& spans = forest.spans();
  service.uncovered_ms.push_back(to_ms(self_time_ns(forest, span)));
  std::vector<std::pair<std::int64_t, std::int64_t>> busy;
  for (const SpanIndex child : forest.children(span))
    busy.emplace_back(spans.start_ns[child], spans.end_ns(child));
  std::sort(busy.begin(), busy.end());
  busy.emplace_back(spans.end_ns(span), spans.end_ns(span));
  std::int64_t covered = spans.start_ns[span];
  for (const auto& [from, to] : busy) {
    const std::int64_t until = std::min(from, spans.end_ns(span));
    if (until - covered >= long_wait_ns)
      service.uncovered_silent.add(events, spans.process[span], covered, until);
    covered = std::max(covered, to);
  }
}

void note_path(const Forest& forest, const CriticalPaths& paths,
               std::map<TextIndex, Service>& services) {
  const SpanTable& spans = forest.spans();
  const auto callee = callee_steps(forest, paths.steps);
  double all_ms = 0;
  for (std::size_t i = 0; i < paths.steps.size(); ++i) {
    const PathStep& step = paths.steps[i];
    if (step.parent_step == none) all_ms += to_ms(step.to_ns - step.from_ns);
    const BeforeCallee before = before_callee(forest, paths.steps, callee, i);
    if (before.ns > 0)
      services[spans.service(before.callee)].row.before_path_ms += to_ms(before.ns);
  }
  for (auto& [name, service] : services)
    service.row.before_path_ratio = all_ms > 0 ? service.row.before_path_ms / all_ms : 0;
}

WaitRow row_of(Service& service, const Events& events) {
  WaitRow row = std::move(service.row);
  row.before_median_ms = stats::median(service.before_ms);
  row.before_p95_ms = stats::quantile(service.before_ms, 0.95);
  row.before_silent_ratio = service.silent.value(events);
  row.before_caller_silent_ratio = service.caller_silent.value(events);
  row.uncovered_p95_ms = stats::quantile(service.uncovered_ms, 0.95);
  row.uncovered_silent_ratio = service.uncovered_silent.value(events);
  row.pool_waits_count = static_cast<std::int64_t>(service.pool_ms.size());
  row.pool_p95_ms = stats::quantile(service.pool_ms, 0.95);
  for (const double ms : service.pool_ms) row.pool_ms += ms;
  return row;
}

}  // namespace

std::vector<WaitRow> waits(const Forest& forest, const CriticalPaths& paths) {
  const SpanTable& spans = forest.spans();
  const Events events(forest);
  const Workers workers(forest);
  std::vector<std::optional<bool>> pool(spans.texts.size());
  std::map<TextIndex, Service> services;
  for (SpanIndex span = 0; span < spans.size(); ++span) {
    if (!forest.usable(span)) continue;
    Service& service = services[spans.service(span)];
    service.row.node = service.row.node || spans.processes[spans.process[span]].node;
    const SpanIndex caller = forest.parent(span);
    if (spans.kind[span] == SpanKind::server) {
      if (caller != none && spans.process[caller] != spans.process[span])
        note_before(forest, events, workers, span, service);
      note_uncovered(forest, events, span, service);
    }
    auto& known = pool[spans.operation[span]];
    if (!known) known = is_pool_wait(spans.texts[spans.operation[span]]);
    // what a nested connect took is connecting, not waiting
    if (*known) service.pool_ms.push_back(to_ms(self_time_ns(forest, span)));
  }
  note_path(forest, paths, services);
  std::vector<WaitRow> rows;
  for (auto& [name, service] : services) {
    service.row.service = text_of(spans, name);
    for (const auto& [operation, ms] : service.meanwhile_ms) {
      const double ratio = std::min(ms / service.long_waits_ms, 1.0);
      if (ratio <= service.row.meanwhile_ratio.value_or(0)) continue;
      service.row.meanwhile = text_of(spans, operation);
      service.row.meanwhile_ratio = ratio;
    }
    rows.push_back(row_of(service, events));
  }
  sort_rows(rows, [](const WaitRow& row) {
    return std::tuple(-(row.before_path_ms + row.pool_ms), row.service);
  });
  return rows;
}

}  // namespace triage::traces
