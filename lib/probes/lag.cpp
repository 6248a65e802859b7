#include "lib/probes/lag.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "lib/base/units.h"
#include "lib/probes/lag_culprits.h"
#include "lib/probes/lag_words.h"

namespace triage::probes::lag {
namespace {

/// A loop that is busy this much has no room for a burst.
constexpr double saturated_ratio = 0.95;
constexpr std::array<double, 9> wait_steps_ms{1, 5, 10, 20, 50, 100, 200, 500, 1000};
constexpr std::array<double, 13> histogram_steps_ms{1,   2,   5,    10,   20,   50,  100,
                                                    200, 500, 1000, 2000, 5000, 1e12};

Loop loop_of(const LoopSample& sample) {
  Loop loop;
  loop.pid = sample.pid;
  loop.tid = sample.tid;
  loop.role = sample.role;
  loop.name = sample.name;
  loop.window_ms = sample.window_ms;
  loop.ended = sample.ended;
  loop.iterations_count = sample.iterations_count;
  loop.stalls_count = sample.stalls_count;
  loop.stalled_ms = sample.stalled_ms;
  loop.longest_ms = sample.longest_ms;
  loop.timeline = sample.timeline;
  stats::DurationHistogram histogram;
  for (const auto& bucket : sample.histogram)
    histogram.add({bucket.index, bucket.count, bucket.total_ns});
  const double wall_ns = sample.window_ms * 1e6;
  if (wall_ns <= 0) return loop;
  loop.utilization_ratio = std::min(1.0, static_cast<double>(histogram.total_ns()) / wall_ns);
  loop.wait_p50_ms = histogram.wait_quantile_ns(0.5, wall_ns) / 1e6;
  loop.wait_p90_ms = histogram.wait_quantile_ns(0.9, wall_ns) / 1e6;
  loop.wait_p99_ms = histogram.wait_quantile_ns(0.99, wall_ns) / 1e6;
  loop.iteration_p50_ms = histogram.quantile_ns(0.5) / 1e6;
  loop.iteration_p99_ms = histogram.quantile_ns(0.99) / 1e6;
  if (sample.cpu_ms) loop.cpu_ratio = *sample.cpu_ms / sample.window_ms;
  if (sample.runqueue_ms) loop.runqueue_ratio = *sample.runqueue_ms / sample.window_ms;
  for (const double step : wait_steps_ms)
    loop.waits.push_back({step, std::min(1.0, histogram.time_above_ns(step * 1e6) / wall_ns)});
  for (const double step : histogram_steps_ms) {
    HistogramRow row{step, 0, 0};
    const double above = loop.histogram.empty() ? -1 : loop.histogram.back().up_to_ms;
    for (const auto& bucket : sample.histogram) {
      const double mean = static_cast<double>(bucket.total_ns) /
                          static_cast<double>(std::max<std::int64_t>(bucket.count, 1)) / 1e6;
      if (mean > above && mean <= step) {
        row.iterations_count += bucket.count;
        row.total_ms += static_cast<double>(bucket.total_ns) / 1e6;
      }
    }
    loop.histogram.push_back(row);
  }
  // the last row reaches to the longest
  loop.histogram.back().up_to_ms = std::max(loop.longest_ms, 5000.0);
  return loop;
}

void collect_words(Result& result) {
  std::map<std::string, WordRow> words;
  double total = 0;
  for (const auto& stall : result.stalls) {
    WordRow& row = words[stall.word];
    row.word = stall.word;
    ++row.stalls_count;
    row.total_ms += stall.duration_ms;
    total += stall.duration_ms;
  }
  for (auto& [word, row] : words) {
    row.ratio = total > 0 ? row.total_ms / total : 0;
    result.words.push_back(row);
  }
  std::stable_sort(result.words.begin(), result.words.end(),
                   [](const WordRow& a, const WordRow& b) { return a.total_ms > b.total_ms; });
}

void collect_stalls(const Sample& sample, Result& result) {
  CulpritTable culprits;
  double gc_ms = 0;
  double seen_ms = 0;
  for (const auto& loop : sample.loops) {
    std::vector<ObservedStall> stalls = loop.stalls;
    mark_microtasks(stalls);
    for (auto& stall : stalls) {
      const auto parts = explain(stall, result.threshold_ms);
      stall.stack = culprits.add(stall, parts);
      gc_ms += stall.gc_ms.value_or(0);
      if (stall.gc_ms) seen_ms += stall.duration_ms;
      result.stalls.push_back(stall);
    }
  }
  std::stable_sort(result.stalls.begin(), result.stalls.end(),
                   [](const Stall& a, const Stall& b) { return a.duration_ms > b.duration_ms; });
  if (seen_ms > 0) result.gc_ratio = gc_ms / seen_ms;
  result.culprits = culprits.culprits();
  result.stacks = culprits.stacks();
  collect_words(result);
}

void summarise(const Sample& sample, Result& result) {
  for (const auto& loop : sample.loops) result.loops.push_back(loop_of(loop));
  std::stable_sort(result.loops.begin(), result.loops.end(),
                   [](const Loop& a, const Loop& b) { return a.longest_ms > b.longest_ms; });
  if (result.loops.empty()) return;
  result.stalls_count = 0;
  result.stalled_ms = 0;
  for (const auto& loop : result.loops) {
    *result.stalls_count += loop.stalls_count;
    *result.stalled_ms += loop.stalled_ms;
  }
  result.longest_ms = result.loops.front().longest_ms;
  const auto busiest = std::max_element(
      result.loops.begin(), result.loops.end(),
      [](const Loop& a, const Loop& b) { return a.utilization_ratio < b.utilization_ratio; });
  result.utilization_ratio = busiest->utilization_ratio;
  result.wait_p50_ms = busiest->wait_p50_ms;
  result.wait_p90_ms = busiest->wait_p90_ms;
  result.wait_p99_ms = busiest->wait_p99_ms;
}

std::string length_of(const Stall& stall) {
  const std::string text = format_duration(stall.duration_ms / 1000);
  return stall.start_known ? text : "at least " + text;
}

/// Of some stalls what they did is not known: said, not passed over.
void note_missing_stacks(const Sample& sample, Result& result) {
  const auto without = std::count_if(result.stalls.begin(), result.stalls.end(),
                                     [](const Stall& stall) { return stall.word == "cpu"; });
  const bool said = std::any_of(sample.gaps.begin(), sample.gaps.end(),
                                [](const Gap& gap) { return gap.what == "culprits"; });
  if (without == 0 || said) return;
  result.envelope.gaps.push_back(
      {"culprits", "not_found",
       fmt::format("{} of {} stalls were over before a stack was taken, or none was asked for",
                   without, result.stalls.size()),
       "a lower --threshold looks earlier"});
}

CodeLocation location_of(const std::string& place) {
  // "/srv/app.js:41:13"
  CodeLocation location{place, 0, 0};
  for (std::int64_t* number : {&location.column, &location.line}) {
    const std::size_t at = location.file.rfind(':');
    if (at == std::string::npos || at + 1 == location.file.size()) return location;
    const char* end = location.file.data() + location.file.size();
    if (std::from_chars(location.file.data() + at + 1, end, *number).ptr != end) return location;
    location.file.resize(at);
  }
  return location;
}

std::optional<CodeLocation> where(const std::string& place) {
  return place.empty() ? std::nullopt : std::optional(location_of(place));
}

Severity level_of(const Options& options, double longest_ms) {
  if (longest_ms >= static_cast<double>(options.crit_stall.count())) return Severity::crit;
  if (longest_ms >= static_cast<double>(options.warn_stall.count())) return Severity::warn;
  return Severity::info;
}

/// "regex in scan (/srv/app.js:41:13)"
std::string reason_of(const Stall& stall) {
  std::string text = stall.word;
  if (text == "starved" || text == "throttled") return text;
  if (!stall.function.empty()) text += fmt::format(" in {} ({})", stall.function, stall.location);
  return stall.detail.empty() ? text : text + ", " + stall.detail;
}

void judge_culprits(const Options& options, Result& result) {
  constexpr double noticeable = 0.05;
  constexpr std::size_t most_findings = 5;
  for (std::size_t i = 0; i < std::min(most_findings, result.culprits.size()); ++i) {
    const Culprit& culprit = result.culprits[i];
    if (culprit.ratio < noticeable) break;
    std::string text = fmt::format("{} ({})", culprit.function, culprit.location);
    if (!culprit.package.empty()) text += " of " + culprit.package;
    text += fmt::format(": {} of the stalled time in {} stall{}, {}", format_ratio(culprit.ratio),
                        culprit.stalls_count, culprit.stalls_count == 1 ? "" : "s", culprit.word);
    if (!culprit.detail.empty()) text += " " + culprit.detail;
    result.envelope.find("culprit", level_of(options, culprit.longest_ms), std::move(text),
                         where(culprit.location));
  }
}

void judge_stalls(const Options& options, Result& result) {
  const auto crit_ms = static_cast<double>(options.crit_stall.count());
  for (const auto& stall : result.stalls)
    if (stall.open && stall.duration_ms >= crit_ms)
      result.envelope.find("stuck", Severity::crit,
                           fmt::format("the loop of thread {} is blocked since {} ({}): {}",
                                       stall.tid, stall.at, length_of(stall), reason_of(stall)),
                           where(stall.location));
  if (result.stalls_count.value_or(0) == 0) return;
  const Stall* worst = result.stalls.empty() ? nullptr : &result.stalls.front();
  const double longest = result.longest_ms.value_or(0);
  result.envelope.find(
      "stalls", level_of(options, longest),
      fmt::format("{} stall{} above {} in {}: {} of the loop's time, the longest {}{}",
                  format_count(*result.stalls_count), *result.stalls_count == 1 ? "" : "s",
                  format_duration(result.threshold_ms / 1000),
                  format_duration(result.window_ms / 1000),
                  format_ratio(result.window_ms > 0 ? *result.stalled_ms / result.window_ms : 0),
                  format_duration(longest / 1000),
                  worst == nullptr ? std::string() : ": " + reason_of(*worst)),
      worst == nullptr ? std::nullopt : where(worst->location));
  judge_culprits(options, result);
}

void judge(const Options& options, const Sample& sample, Result& result) {
  if (sample.loops.empty()) {
    result.envelope.find("not_timed", Severity::unknown, "the loop could not be timed");
    return;
  }
  judge_stalls(options, result);
  if (sample.traced_by != 0)
    result.envelope.find(
        "traced", Severity::info,
        fmt::format("process {} traces it: its stops count as stalls", sample.traced_by));
  for (const auto& loop : result.loops)
    if (loop.role == "main" && !loop.ended.empty())
      result.envelope.find("ended", Severity::info,
                           fmt::format("observed for {} only: {}",
                                       format_duration(loop.window_ms / 1000), loop.ended));
  for (const auto& loop : result.loops)
    if (loop.utilization_ratio >= saturated_ratio && loop.window_ms >= 1000)
      result.envelope.find(
          "saturated", Severity::warn,
          fmt::format("the {} loop (thread {}) is busy {} of the time: requests queue behind it",
                      loop.role, loop.tid, format_ratio(loop.utilization_ratio)));
  if (result.pool && result.pool->full_ratio > 0)
    result.envelope.find(
        "pool_full", result.pool->full_ratio >= 0.5 ? Severity::warn : Severity::info,
        fmt::format("libuv's pool had no idle thread and work waiting in {} of the looks, "
                    "longest queue {}",
                    format_ratio(result.pool->full_ratio), result.pool->longest_queue_count));
  for (const auto& loop : sample.loops)
    if (loop.lost_count > 0)
      result.envelope.gaps.push_back(
          {"stalls", "budget",
           fmt::format("{} records of thread {} were lost: triage did not get to read them in time",
                       loop.lost_count, loop.tid),
           "run triage with a higher priority: nice -n -10"});
}

void add_provenance(const Sample& sample, Result& result) {
  const std::string repeat =
      fmt::format("perf trace -s -p {} -e epoll_wait,epoll_pwait -- sleep {:.0f}", sample.pid,
                  std::max(1.0, sample.window_ms / 1000));
  result.envelope.provenance.push_back(
      {{"/pid", "/tier_error_ms", "/own_longest_gap_ms", "/window_ms", "/threshold_ms",
        "/stalls_count", "/stalled_ms", "/longest_ms", "/utilization_ratio", "/wait_p50_ms",
        "/wait_p90_ms", "/wait_p99_ms", "/words", "/stalls", "/loops"},
       sample.tier_source,
       sample.at,
       repeat});
  result.envelope.provenance.push_back(
      {{"/gc_ratio", "/stacks_count", "/stack_failed_ratio", "/culprits", "/stacks"},
       "stacks of the stalled threads: perf cpu-clock samples and the process's memory",
       sample.at,
       fmt::format("triage lag dump {} --native", sample.pid)});
  result.envelope.provenance.push_back({{"/throttled_ms"},
                                        "cpu.stat of the control group",
                                        sample.at,
                                        fmt::format("cat /proc/{}/cgroup", sample.pid)});
  result.envelope.provenance.push_back({{"/pool"},
                                        "libuv's thread pool",
                                        sample.at,
                                        fmt::format("cat /proc/{}/task/*/syscall", sample.pid)});
}

}  // namespace

Help help() {
  return {
      "Times every iteration of the event loops of a running Node.js process, main thread and "
      "worker threads, without a restart, a flag, the inspector or code in the service, and says "
      "of each stall how long it was, which function at which line it was, what it consisted of "
      "(JavaScript, garbage collection, a regular expression, a synchronous call and on what, "
      "waiting for a CPU, throttling, a stop) and since when a stuck loop is stuck. Stacks are "
      "taken while a loop is stalled only; the process is not stopped for them. "
      "Delays are weighted by time: the wait of a request that arrives at a random moment.\n\n"
      "Exact times need the kernel's tracepoints (root, or CAP_PERFMON and a readable tracefs).",
      {{"triage lag 4127", "ten seconds of process 4127"},
       {"triage lag port:3000 --duration 60s --threshold 50ms", "a minute; stalls above 50 ms"},
       {"triage lag 4127 --all", "a cluster: the primary and its workers"},
       {"triage lag name:server.js -o json", "for machines"}}};
}

void describe_observation(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target",
                 "process: a pid, pid:4127, name:server.js or port:3000",
                 "TARGET",
                 {},
                 true,
                 true,
                 0},
                options.target);
  visitor.visit({"duration", "how long to observe", "DURATION", {}, false, false, 'd'},
                options.duration);
  visitor.visit(
      {"threshold", "iterations longer than this are stalls", "DURATION", {}, false, false, 0},
      options.threshold);
  visitor.visit({"all",
                 "the Node.js processes below the target as well: a cluster's workers",
                 {},
                 {},
                 false,
                 false,
                 0},
                options.all);
  visitor.visit({"no-stacks", "time the stalls and take no stacks", {}, {}, false, false, 0},
                options.no_stacks);
  visitor.visit({"stop",
                 "stop a stalled thread while its stack is copied (ptrace), where perf is refused",
                 {},
                 {},
                 false,
                 false,
                 0},
                options.stop);
  visitor.visit({"via",
                 "how to time: auto takes the most exact way that works",
                 "WAY",
                 {"auto", "perf", "memory", "proc"},
                 false,
                 false,
                 0},
                options.via);
}

void describe(Options& options, OptionVisitor& visitor) {
  describe_observation(options, visitor);
  visitor.visit({"keep", "longest stalls of each loop that are listed", "N", {}, false, false, 0},
                options.keep);
  visitor.visit({"top", "stalls shown in the text report", "N", {}, false, false, 0}, options.top);
  visitor.visit({"warn-stall", "a stall this long is a warning", "DURATION", {}, false, false, 0},
                options.warn_stall);
  visitor.visit({"crit-stall", "a stall this long is critical", "DURATION", {}, false, false, 0},
                options.crit_stall);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.pid = sample.pid;
  result.tier = sample.tier;
  result.tier_source = sample.tier_source;
  result.tier_error_ms = sample.tier_error_ms;
  result.own_longest_gap_ms = sample.own_longest_gap_ms;
  result.window_ms = sample.window_ms;
  result.threshold_ms = static_cast<double>(options.threshold.count());
  result.throttled_ms = sample.throttled_ms;
  result.stacks_count = sample.stacks_count;
  if (sample.stack_objects_count > 0)
    result.stack_failed_ratio = static_cast<double>(sample.stack_failed_count) /
                                static_cast<double>(sample.stack_objects_count);
  if (sample.pool)
    result.pool =
        Pool{sample.pool->threads_count,
             sample.pool->looks_count > 0 ? static_cast<double>(sample.pool->full_count) /
                                                static_cast<double>(sample.pool->looks_count)
                                          : 0,
             sample.pool->longest_queue_count, sample.pool->longest_full_ms, sample.pool->doing};
  summarise(sample, result);
  collect_stalls(sample, result);
  note_missing_stacks(sample, result);
  judge(options, sample, result);
  add_provenance(sample, result);
  return result;
}

}  // namespace triage::probes::lag
