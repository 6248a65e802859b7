#include "lib/probes/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lib/base/units.h"

namespace triage::probes::trace {
namespace {

// Thresholds are on what a user of the service feels, so that they hold at any traffic.
constexpr double slow_factor = 2;     ///< slow traces against normal ones of the same time
constexpr double later_factor = 1.3;  ///< now against a baseline
constexpr double slow_gap_ms = 50;    ///< a smaller difference is nobody's incident
constexpr double sure = 0.01;         ///< adjusted p-value
constexpr double main_part = 0.25;    ///< of the difference
constexpr double long_wait_ms = 50;   ///< before a handler starts
constexpr double long_pool_wait_ms = 100;
constexpr double silent = 0.7;         ///< of a wait
constexpr double ran_meanwhile = 0.5;  ///< of the waits
constexpr double failing_warn = 0.01;  ///< of traces
constexpr double failing_crit = 0.1;
constexpr std::int64_t enough_traces = 20;
constexpr double repeated_part = 0.2;
constexpr double retry_storm = 1.2;

std::string ms(double value) {
  return format_duration(value / 1000);
}

std::string place(const std::string& service, const std::string& operation) {
  return fmt::format("{} in {}", operation, service);
}

void judge_failures(Result& result) {
  if (result.failures.empty()) return;
  const traces::FailureOrigin& first = result.failures.front();
  const double failing = result.traces_count > 0 ? static_cast<double>(result.failed_traces_count) /
                                                       static_cast<double>(result.traces_count)
                                                 : 0;
  std::string text =
      fmt::format("{} of {} traces failed ({}); {} of the failures begin at {}",
                  result.failed_traces_count, result.traces_count, format_ratio(failing),
                  format_ratio(first.traces_ratio), place(first.service, first.operation));
  if (!first.callee.empty()) text += fmt::format(" calling {}", first.callee);
  if (!first.error.empty()) text += ": " + first.error;
  Severity severity = Severity::info;
  if (first.reached_root_count > 0 && failing >= failing_warn) severity = Severity::warn;
  if (severity == Severity::warn && failing >= failing_crit && result.traces_count >= enough_traces)
    severity = Severity::crit;
  result.envelope.find("failures_begin", severity, std::move(text));
}

void judge_slow(Result& result) {
  const bool later = result.baseline_traces_count > 0;
  for (const auto& one : result.slow) {
    if (one.differences.empty()) continue;
    const auto& first = one.differences.front();
    const double factor = later ? later_factor : slow_factor;
    const bool clear = one.slow_median_ms >= factor * one.normal_median_ms &&
                       one.slow_median_ms - one.normal_median_ms >= slow_gap_ms &&
                       first.p_value < sure && first.gap_ratio >= main_part;
    if (!clear) continue;
    result.envelope.find(
        later ? "slower_than_baseline" : "slow_traces_differ", Severity::warn,
        fmt::format(
            "{}: {} {} traces take {} (median) against {} of {} {} ones; {} of the "
            "difference is {}, {} against {} per trace (p {}); as fast as there, the median "
            "would be {}",
            place(one.service, one.operation), one.slow_count, later ? "present" : "slow",
            ms(one.slow_median_ms), ms(one.normal_median_ms), one.normal_count,
            later ? "baseline" : "normal", format_ratio(std::min(first.gap_ratio, 1.0)),
            place(first.service, first.operation), ms(first.slow_ms), ms(first.normal_ms),
            first.p_value < 0.001 ? "< 0.001" : fmt::format("= {:.3f}", first.p_value),
            ms(first.median_if_normal_ms)));
  }
}

/// Who did nothing while a call waited.
std::string silence_text(const traces::WaitRow& row) {
  if (row.meanwhile_ratio.value_or(0) >= ran_meanwhile)
    return fmt::format("; {} ran in its process during {} of that: it blocks the event loop",
                       row.meanwhile, format_ratio(*row.meanwhile_ratio));
  if (!row.before_silent_ratio)
    return "; the traces are too few to say whether its event loop was blocked or the network slow";
  if (*row.before_silent_ratio >= silent)
    return fmt::format("; during {} of that its process began and ended no span at all: {}",
                       format_ratio(*row.before_silent_ratio),
                       row.node ? "its event loop was blocked" : "it was blocked or stopped");
  if (row.before_caller_silent_ratio && *row.before_caller_silent_ratio >= silent)
    return "; it worked meanwhile, and the callers did nothing: theirs were blocked";
  return "; both sides worked meanwhile: a queue or the network";
}

void judge_waits(Result& result) {
  for (const auto& row : result.waits) {
    if (row.before_p95_ms.value_or(0) >= long_wait_ms && row.before_path_ratio >= 0.05)
      result.envelope.find(
          "waits_before_handler", Severity::warn,
          fmt::format(
              "calls to {} wait {} (p95) before their handler starts, {} of the time of all "
              "traces{}",
              row.service, ms(*row.before_p95_ms), format_ratio(row.before_path_ratio),
              silence_text(row)));
    if (row.pool_p95_ms.value_or(0) >= long_pool_wait_ms)
      result.envelope.find("waits_for_pool", Severity::warn,
                           fmt::format("{} waits {} (p95 of {}) for a pool connection", row.service,
                                       ms(*row.pool_p95_ms), format_count(row.pool_waits_count)));
  }
}

void judge_patterns(Result& result) {
  for (const auto& row : result.repeated)
    result.envelope.find(
        "repeated_calls", row.path_ratio >= repeated_part ? Severity::warn : Severity::info,
        fmt::format(
            "{} makes the same call {} times (median; at most {}): {} {}; {} together, {} of "
            "these {} traces' time: one call for all would do",
            place(row.service, row.parent), row.median_count, row.max_count, row.call, row.detail,
            ms(row.median_ms), format_ratio(row.path_ratio), row.traces_count));
  for (const auto& row : result.retries)
    result.envelope.find(
        "retries", row.amplification_ratio >= retry_storm ? Severity::warn : Severity::info,
        fmt::format("{} {} is sent {:.2f} times a call ({} attempts for {} calls, up to {}), pause "
                    "{} ({}); {} of {} retried calls went well in the end",
                    place(row.service, row.call), row.detail, row.amplification_ratio,
                    row.attempts_count, row.calls_count, row.max_attempts,
                    or_unknown(row.gap_ms, ms),
                    row.backoff == "none" ? "no backoff" : "backoff " + row.backoff,
                    row.recovered_count, row.retried_count));
  for (const auto& row : result.sequential)
    if (row.saving_ratio >= 0.1 && row.saving_ms >= 5)
      result.envelope.find(
          "could_be_parallel", Severity::info,
          fmt::format("{} makes {} calls one after the other; at the same time they would save {} "
                      "({} of the request), if none needs the answer of another: {}",
                      place(row.service, row.parent), row.calls.size(), ms(row.saving_ms),
                      format_ratio(row.saving_ratio), fmt::join(row.calls, "; ")));
}

void judge_recording(Result& result) {
  const Recording& odd = result.recording;
  if (odd.without_root_count + odd.lost_callees_count + odd.orphan_spans_count > 0)
    result.envelope.find(
        "spans_missing", Severity::info,
        fmt::format("spans are missing: {} of {} traces have no root, {} spans no parent, {} calls "
                    "no span of their callee: it crashed, dropped them or samples differently",
                    odd.without_root_count, result.traces_count, odd.orphan_spans_count,
                    odd.lost_callees_count));
  for (const auto& clock : result.clocks)
    result.envelope.find(
        "clock_skew", Severity::info,
        fmt::format("the clock of {} differs from that of {} by {} (from {} calls); corrected here",
                    clock.to, clock.from, ms(std::abs(clock.offset_ms)), clock.calls_count));
}

}  // namespace

Help help() {
  return {
      "Reads traces (Jaeger's query JSON, OTLP JSON, Zipkin v2 JSON; also .gz and .zst) and says "
      "where the time goes: the critical path over all traces with the share of each operation, "
      "what "
      "differs between slow traces and normal ones, waiting that no span shows (a blocked event "
      "loop, a pool), repeated and repeatable calls, retries, and where failures begin. Clocks of "
      "hosts that disagree are corrected and named; a file that was cut gives what is whole. "
      "'(before) X' is the time after a call was sent and before its handler X began.",
      {{"triage trace traces.json", "where the time of these traces goes"},
       {"triage trace --jaeger http://jaeger:16686 --service a --baseline-before 24h",
        "the last hour against the same hour yesterday"},
       {"curl -s http://jaeger:16686/api/traces?service=shop | triage trace -",
        "the same, straight from Jaeger"},
       {"triage trace now.json.gz --baseline yesterday.json.gz", "what is slower than yesterday"},
       {"triage trace traces.json --trace-id cbfc6e75f0672e6bdb33a7c1953ad77c",
        "one trace as a tree, by the id in a log line"},
       {"triage trace traces.json --csv spans.csv", "every span as a row"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  describe_traces(options.input, visitor);
  visitor.visit({"slow-over",
                 "slow is from here on; 0: the longest 5 % of each entry",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.slow_over);
  visitor.visit({"top", "rows of each table", "N", {}, false, false, 0}, options.top);
  visitor.visit({"csv", "write all spans as CSV to this file", "FILE", {}, false, false, 0},
                options.csv);
  visitor.visit({"flame",
                 "write the critical paths as a flame graph: .svg, .json (speedscope), "
                 "else folded stacks",
                 "FILE",
                 {},
                 false,
                 false,
                 0},
                options.flame);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  Envelope& envelope = result.envelope;
  envelope.at = sample.at;
  envelope.target = sample.target;
  envelope.gaps = sample.gaps;
  envelope.provenance.push_back(
      {{"/traces_count", "/spans_count", "/failed_traces_count", "/from", "/to", "/recording",
        "/clocks", "/entries", "/operations", "/slow", "/waits", "/failures", "/repeated",
        "/retries", "/sequential", "/tree", "/sources", "/baseline_traces_count"},
       sample.target,
       sample.at,
       repeat_command("trace", options.input)});
  if (sample.traces_count == 0) {
    envelope.find("no_traces", Severity::unknown,
                  "no trace matches: this says nothing about the service");
    return result;
  }
  judge_failures(result);
  judge_waits(result);
  judge_slow(result);
  judge_patterns(result);
  judge_recording(result);
  return result;
}

}  // namespace triage::probes::trace
