#include "lib/probes/lag_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/os/file.h"
#include "lib/stats/permutation_test.h"

namespace triage::probes::lag_gate {
namespace {

/// A difference that chance gives once in a hundred runs is not chance.
constexpr double significance = 0.01;
/// Power of 80 % at that level, one-sided: 2.33 + 0.84 standard errors.
constexpr double detectable_errors = 3.17;
constexpr std::size_t fewest_slots = 10;
constexpr std::size_t baseline_limit_bytes = 64U << 20U;

struct Series {
  std::vector<double> busy;     ///< share of each slot
  std::vector<double> longest;  ///< ms
};

/// The last slot is cut short by the end and left out.
Series series_of(const std::vector<lag::TimelineSlot>& timeline) {
  Series series;
  for (std::size_t i = 0; i + 1 < timeline.size(); ++i) {
    const double width = timeline[i + 1].start_ms - timeline[i].start_ms;
    if (width <= 0) continue;
    series.busy.push_back(std::min(1.0, timeline[i].busy_ms / width));
    series.longest.push_back(timeline[i].longest_ms);
  }
  return series;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(values.size(), 1));
}

double variance_of_mean(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  const auto n = static_cast<double>(values.size());
  return n < 2 ? 0 : sum / (n - 1) / n;
}

/// `floor` is the size below which a change matters to nobody.
Check compare(const std::string& name, const std::vector<double>& before,
              const std::vector<double>& after, double tolerance, double floor) {
  Check check;
  check.name = name;
  check.value = mean(after);
  check.baseline = mean(before);
  if (before.size() < fewest_slots || after.size() < fewest_slots) {
    check.verdict = "unknown";
    check.text = fmt::format("{}: {} slots before and {} now are too few to compare", name,
                             before.size(), after.size());
    return check;
  }
  check.p_value = stats::permutation_test(before, after);
  const double error = std::sqrt(variance_of_mean(before) + variance_of_mean(after));
  const double base = std::max(*check.baseline, floor);
  check.detectable_ratio = detectable_errors * error / base;
  const double change = (check.value - *check.baseline) / base;
  const std::string figures =
      fmt::format("{:.3g} after {:.3g} ({:+.0f} %, p = {:.2g})", check.value, *check.baseline,
                  change * 100, *check.p_value);
  if (*check.p_value <= significance && change > tolerance) {
    check.verdict = "failed";
    check.text = fmt::format("{}: {}", name, figures);
  } else if (*check.detectable_ratio > std::max(3 * tolerance, 0.5) && check.value > floor) {
    check.verdict = "unknown";
    check.text = fmt::format("{}: {}; too noisy, a change below {:.0f} % would not show", name,
                             figures, *check.detectable_ratio * 100);
  } else {
    check.verdict = "passed";
    check.text = fmt::format("{}: {}", name, figures);
  }
  return check;
}

Check against_limit(const std::string& name, double value, double limit, const std::string& text) {
  return {name, value > limit ? "failed" : "passed", value, limit, {}, {}, {}, text};
}

const lag::Loop* main_loop(const std::vector<lag::Loop>& loops) {
  const auto found = std::find_if(loops.begin(), loops.end(),
                                  [](const lag::Loop& loop) { return loop.role == "main"; });
  return found == loops.end() ? nullptr : &*found;
}

void check_limits(const Options& options, const lag::Result& observed, Result& result) {
  const double longest = observed.longest_ms.value_or(0);
  const auto stall = static_cast<double>(options.max_stall.count());
  result.checks.push_back(
      against_limit("stall", longest, stall,
                    fmt::format("longest iteration {} of {} allowed",
                                format_duration(longest / 1000), format_duration(stall / 1000))));
  if (options.max_wait.count() > 0) {
    const double wait = observed.wait_p99_ms.value_or(0);
    const auto limit = static_cast<double>(options.max_wait.count());
    result.checks.push_back(against_limit(
        "wait_p99", wait, limit,
        fmt::format("99 % of requests at random moments wait less than {}, allowed {}",
                    format_duration(wait / 1000), format_duration(limit / 1000))));
  }
  if (options.max_busy > 0) {
    const double busy = observed.utilization_ratio.value_or(0);
    result.checks.push_back(against_limit(
        "busy", busy, options.max_busy,
        fmt::format("busy {} of {} allowed", format_ratio(busy), format_ratio(options.max_busy))));
  }
}

}  // namespace

Help help() {
  return {
      "Observes the event loops of a running Node.js process as triage lag does and leaves with 1 "
      "when a limit is exceeded, or when the main loop is busier or its iterations longer than in "
      "the baseline by more than the tolerance and more than chance explains (permutation test, "
      "p <= 0.01). It leaves with 3 when the machine is too noisy to tell. Run it while a load "
      "generator drives the service.",
      {{"triage lag gate port:3000 --max-stall 50ms", "no stall above 50 ms in ten seconds"},
       {"triage lag gate port:3000 -o json=base.json", "keep a baseline"},
       {"triage lag gate port:3000 --baseline base.json -o junit=lag.xml",
        "compare with it, for CI"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
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
  visitor.visit({"via",
                 "how to time: auto takes the most exact way that works",
                 "WAY",
                 {"auto", "perf", "memory", "proc"},
                 false,
                 false,
                 0},
                options.via);
  visitor.visit({"max-stall", "longest iteration that passes", "DURATION", {}, false, false, 0},
                options.max_stall);
  visitor.visit({"max-wait",
                 "wait that 99 % of requests at random moments must stay below; 0: no limit",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.max_wait);
  visitor.visit({"max-busy",
                 "share of the time that the loop may be busy; 0: no limit",
                 "RATIO",
                 {},
                 false,
                 false,
                 0},
                options.max_busy);
  visitor.visit(
      {"baseline", "JSON of an earlier triage lag or lag gate", "FILE", {}, false, false, 0},
      options.baseline);
  visitor.visit(
      {"tolerance", "by how much it may be worse than the baseline", "RATIO", {}, false, false, 0},
      options.tolerance);
}

Sample collect(const Options& options, Session& session) {
  Sample sample;
  if (!options.baseline.empty()) {
    // before the target is touched: a wrong file is wrong usage
    const Json document =
        parse_json(os::read_head(options.baseline, baseline_limit_bytes), options.baseline);
    if (!document.is_object() || !document.contains("loops") || !document["loops"].is_array())
      throw Error(ErrorCode::usage, fmt::format("{} is no result of triage lag", options.baseline),
                  "make one: triage lag gate TARGET -o json=base.json");
    const auto loops = from_json<std::vector<lag::Loop>>(document["loops"], options.baseline);
    if (const lag::Loop* main = main_loop(loops)) sample.baseline = main->timeline;
    sample.baseline_at = document.value("at", "");
  }
  lag::Options lag_options;
  lag_options.target = options.target;
  lag_options.duration = options.duration;
  lag_options.via = options.via;
  lag_options.threshold = std::max(options.max_stall, std::chrono::milliseconds(1));
  sample.lag = lag::collect(lag_options, session);
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  lag::Options lag_options;
  lag_options.threshold = std::max(options.max_stall, std::chrono::milliseconds(1));
  const lag::Result observed = lag::analyse(lag_options, sample.lag);
  Result result;
  result.envelope.at = observed.envelope.at;
  result.envelope.target = observed.envelope.target;
  result.envelope.gaps = observed.envelope.gaps;
  result.pid = observed.pid;
  result.tier = observed.tier;
  result.window_ms = observed.window_ms;
  result.baseline_at = sample.baseline_at;
  result.loops = observed.loops;
  for (auto source : observed.envelope.provenance) {
    if (source.figures.front() != "/pid") continue;
    source.figures = {"/pid", "/tier", "/window_ms", "/baseline_at", "/checks", "/loops"};
    result.envelope.provenance.push_back(source);
  }
  if (observed.loops.empty()) {
    result.envelope.find("not_timed", Severity::unknown, "the loop could not be timed");
    return result;
  }
  check_limits(options, observed, result);
  const lag::Loop* main = main_loop(observed.loops);
  if (!options.baseline.empty() && main != nullptr) {
    const Series before = series_of(sample.baseline);
    const Series after = series_of(main->timeline);
    constexpr double busy_floor = 0.02;
    constexpr double longest_floor_ms = 5;
    result.checks.push_back(
        compare("busy_baseline", before.busy, after.busy, options.tolerance, busy_floor));
    result.checks.push_back(compare("longest_baseline", before.longest, after.longest,
                                    options.tolerance, longest_floor_ms));
  }
  for (const auto& check : result.checks)
    if (check.verdict != "passed")
      result.envelope.find(
          check.name, check.verdict == "failed" ? Severity::crit : Severity::unknown, check.text);
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"check", false, false}, {"verdict", false, false}, {"", false, true}}, {}};
  for (const auto& check : result.checks)
    table.rows.push_back({check.name, check.verdict, check.text});
  return {{"CHECKS",
           fmt::format("{}, timed by {}", format_duration(result.window_ms / 1000), result.tier),
           {std::move(table)},
           false}};
}

}  // namespace triage::probes::lag_gate
