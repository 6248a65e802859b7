#include "lib/probes/lag_gate.h"

#include <doctest/doctest.h>

using namespace triage;
using namespace triage::probes::lag_gate;

namespace {

/// A timeline of 60 slots, each busy for `busy` ms of 100 and up to `swing` more.
std::vector<probes::lag::TimelineSlot> timeline(double busy, double swing) {
  std::vector<probes::lag::TimelineSlot> slots;
  for (int i = 0; i < 61; ++i)
    slots.push_back({i * 100.0, busy + swing * (i * 37 % 60) / 60.0, busy / 4, 0});
  return slots;
}

Result gate(double before, double after, double swing = 4, double longest = 20) {
  Options options;
  options.baseline = "base.json";
  Sample sample;
  sample.baseline = timeline(before, swing);
  sample.lag.tier = "perf";
  sample.lag.window_ms = 6000;
  probes::lag::LoopSample loop;
  loop.role = "main";
  loop.window_ms = 6000;
  loop.longest_ms = longest;
  loop.timeline = timeline(after, swing);
  sample.lag.loops.push_back(loop);
  return analyse(options, sample);
}

std::string verdict(const Result& result, const std::string& name) {
  for (const auto& check : result.checks)
    if (check.name == name) return check.verdict;
  return "missing";
}

}  // namespace

TEST_CASE("lag gate: a loop that is as busy as before passes") {
  const Result result = gate(20, 20);
  CHECK(verdict(result, "busy_baseline") == "passed");
  CHECK(result.envelope.severity == Severity::ok);
}

TEST_CASE("lag gate: a loop that is half busier fails, and being faster passes") {
  CHECK(verdict(gate(20, 30), "busy_baseline") == "failed");
  CHECK(gate(20, 30).envelope.severity == Severity::crit);
  CHECK(verdict(gate(30, 20), "busy_baseline") == "passed");
}

TEST_CASE("lag gate: a change below the tolerance passes, however certain it is") {
  CHECK(verdict(gate(20, 21, 0.1), "busy_baseline") == "passed");
}

TEST_CASE("lag gate: slots that vary wildly give unknown, not passed") {
  Options options;
  options.baseline = "base.json";
  Sample sample;
  for (int i = 0; i < 31; ++i) {
    const double busy = i % 10 == 0 ? 95 : 1;
    sample.baseline.push_back({i * 100.0, busy, busy, 0});
  }
  probes::lag::LoopSample loop;
  loop.role = "main";
  loop.window_ms = 3000;
  loop.timeline = sample.baseline;
  sample.lag.loops.push_back(loop);
  const Result result = analyse(options, sample);
  CHECK(verdict(result, "busy_baseline") == "unknown");
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("lag gate: a stall above the limit fails without any baseline") {
  CHECK(verdict(gate(20, 20, 4, 101), "stall") == "failed");
  CHECK(verdict(gate(20, 20, 4, 99), "stall") == "passed");
}

TEST_CASE("lag gate: a loop that was not timed is unknown") {
  CHECK(analyse({}, Sample{}).envelope.severity == Severity::unknown);
}
