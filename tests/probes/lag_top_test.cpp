#include "lib/probes/lag_top.h"

#include <doctest/doctest.h>

#include "lib/base/option_list.h"
#include "lib/probes/probe.h"

using namespace triage;

TEST_CASE("lag top: it shows the loops and the stalls, without advice") {
  probes::lag::Sample sample;
  sample.tier = "perf";
  sample.window_ms = 2000;
  probes::lag::LoopSample loop;
  loop.role = "main";
  loop.window_ms = 2000;
  loop.stalls_count = 1;
  loop.longest_ms = loop.stalled_ms = 1500;
  probes::lag::ObservedStall stall;
  stall.at = "2026-11-25T05:49:11.747Z";
  stall.duration_ms = 1500;
  loop.stalls.push_back(stall);
  sample.loops.push_back(loop);
  const auto result = probes::lag_top::analyse({}, sample);
  CHECK(result.envelope.severity == Severity::crit);
  std::string titles;
  for (const auto& section : probes::lag_top::sections({}, result)) titles += section.title + "; ";
  CHECK(titles == "LOOPS; WHERE THE TIME WENT; WORST STALLS; ");
}

TEST_CASE("lag top: it is the probe that goes on by itself") {
  for (const auto& probe : probes::registry()) CHECK(probe.live == (probe.name == "lag-top"));
}

TEST_CASE("lag top: its options are filled through those of lag") {
  probes::lag_top::Options options;
  OptionList list;
  probes::lag_top::describe(options, list);
  CHECK(list.rows().size() == 7);
  CHECK(options.lag.duration == std::chrono::seconds(2));
}
