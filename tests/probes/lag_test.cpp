#include "lib/probes/lag.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "lib/base/json.h"
#include "lib/probes/lag_words.h"

using namespace triage;
using namespace triage::probes::lag;

namespace {

ObservedStall stall_of(double length, double cpu, double runqueue, std::vector<Blocked> blocked) {
  ObservedStall stall;
  stall.tid = 7;
  stall.at = "2026-11-25T05:49:11.747Z";
  stall.duration_ms = length;
  stall.cpu_ms = cpu;
  stall.runqueue_ms = runqueue;
  double sum = 0;
  for (const auto& wait : blocked) sum += wait.ms;
  stall.blocked_ms = sum;
  stall.stopped_ms = 0;
  stall.blocked = std::move(blocked);
  return stall;
}

constexpr double threshold_ms = 20;

std::string word_of(ObservedStall stall) {
  std::vector<ObservedStall> stalls{std::move(stall)};
  mark_microtasks(stalls);
  explain(stalls.front(), threshold_ms);
  return stalls.front().word;
}

/// One loop that was busy for each of the lengths, in a window of ten seconds.
Sample sample_of(const std::vector<ObservedStall>& stalls) {
  Sample sample;
  sample.at = "2026-11-25T05:49:11.000Z";
  sample.target = "pid 7 (node server.js)";
  sample.pid = 7;
  sample.tier = "perf";
  sample.tier_source = "tracepoints";
  sample.window_ms = 10'000;
  LoopSample loop;
  loop.pid = loop.tid = 7;
  loop.role = "main";
  loop.window_ms = 10'000;
  stats::DurationHistogram histogram;
  for (const auto& stall : stalls) {
    histogram.add(static_cast<std::int64_t>(stall.duration_ms * 1e6));
    ++loop.iterations_count;
    ++loop.stalls_count;
    loop.stalled_ms += stall.duration_ms;
    loop.longest_ms = std::max(loop.longest_ms, stall.duration_ms);
  }
  for (const auto& bucket : histogram.buckets())
    loop.histogram.push_back({bucket.index, bucket.count, bucket.total_ns});
  loop.stalls = stalls;
  sample.loops.push_back(loop);
  return sample;
}

}  // namespace

TEST_CASE("lag: the largest part of a stall gives its word") {
  CHECK(word_of(stall_of(100, 95, 5, {})) == "cpu");
  CHECK(word_of(stall_of(100, 20, 80, {})) == "starved");
  CHECK(word_of(stall_of(100, 5, 0, {{"openat", "/mnt/nfs/a", 95}})) == "fs sync");
  CHECK(word_of(stall_of(100, 5, 0, {{"epoll_pwait", "child 9 (sleep 1)", 95}})) ==
        "child_process sync");
  CHECK(word_of(stall_of(100, 5, 0, {{"write", "pipe:[77] (fd 1)", 95}})) == "logging");
  CHECK(word_of(stall_of(100, 5, 0, {{"futex", "", 95}})) == "lock");
  CHECK(word_of(stall_of(100, 5, 0, {{"stopped", "", 95}})) == "stopped");
  CHECK(word_of(stall_of(100, 5, 0, {{"unknown", "", 95}})) == "unknown");
  CHECK(word_of(stall_of(100, 40, 0, {{"read", "a", 30}, {"openat", "b", 30}})) == "fs sync");
}

TEST_CASE("lag: what the quota took is not blamed on neighbours") {
  ObservedStall stall = stall_of(100, 20, 80, {});
  stall.throttled_ms = 75;
  CHECK(word_of(stall) == "throttled");
  // on kernels where a throttled thread looks blocked
  ObservedStall blocked = stall_of(100, 20, 5, {{"unknown", "", 75}});
  blocked.throttled_ms = 78;
  CHECK(word_of(blocked) == "throttled");
}

TEST_CASE("lag: parts that were not seen are unknown, never a guess") {
  ObservedStall stall;
  stall.duration_ms = 50;
  explain(stall, threshold_ms);
  CHECK(stall.word == "unknown");
  CHECK(stall.evidence == "what it did was not seen");
}

TEST_CASE("lag: severity follows the longest stall") {
  const Options options;
  CHECK(analyse(options, sample_of({})).envelope.severity == Severity::ok);
  CHECK(analyse(options, sample_of({stall_of(30, 30, 0, {})})).envelope.severity == Severity::info);
  CHECK(analyse(options, sample_of({stall_of(150, 150, 0, {})})).envelope.severity ==
        Severity::warn);
  CHECK(analyse(options, sample_of({stall_of(1500, 1500, 0, {})})).envelope.severity ==
        Severity::crit);
}

TEST_CASE("lag: a loop that could not be timed is unknown, not ok") {
  Sample sample = sample_of({});
  sample.loops.clear();
  const Result result = analyse({}, sample);
  CHECK(result.envelope.severity == Severity::unknown);
  CHECK_FALSE(result.stalls_count);
  CHECK_FALSE(result.wait_p99_ms);
}

TEST_CASE("lag: a stuck loop is named with the moment since when") {
  ObservedStall stall = stall_of(4000, 4000, 0, {});
  stall.open = true;
  const Result result = analyse({}, sample_of({stall}));
  CHECK(result.envelope.findings.front().id == "stuck");
  CHECK(result.envelope.findings.front().text ==
        "the loop of thread 7 is blocked since 2026-11-25T05:49:11.747Z (4.0 s): cpu");
  stall.start_known = false;
  CHECK(analyse({}, sample_of({stall})).envelope.findings.front().text.find("at least 4.0 s") !=
        std::string::npos);
}

TEST_CASE("lag: the share of time above a wait falls with the wait and is weighted by time") {
  const Result result =
      analyse({}, sample_of({stall_of(1000, 1000, 0, {}), stall_of(1000, 1000, 0, {})}));
  const auto& waits = result.loops.front().waits;
  REQUIRE(waits.size() == 9);
  for (std::size_t i = 1; i < waits.size(); ++i) CHECK(waits[i].ratio <= waits[i - 1].ratio);
  // 2 s of 10 s; a request in them waits more than 500 ms in half of the cases
  CHECK(waits[7].longer_than_ms == 500);
  CHECK(waits[7].ratio == doctest::Approx(0.1).epsilon(0.02));
  CHECK(*result.utilization_ratio == doctest::Approx(0.2).epsilon(0.02));
}

namespace {

v8::StackFrame js(const std::string& function, const std::string& url, int line,
                  const std::string& package = {}) {
  v8::StackFrame frame;
  frame.kind = "js";
  frame.function = function;
  frame.url = url;
  frame.line = line;
  frame.column = 5;
  frame.function_line = 1;
  frame.function_column = 9;
  frame.package = package;
  return frame;
}

v8::StackFrame other(const std::string& kind, const std::string& function,
                     const std::string& detail = {}) {
  v8::StackFrame frame;
  frame.kind = kind;
  frame.function = function;
  frame.detail = detail;
  return frame;
}

ObservedStall with_stacks(ObservedStall stall, std::vector<SeenStack> stacks) {
  stall.stacks = std::move(stacks);
  return stall;
}

const v8::StackFrame handler = js("handler", "/srv/app.js", 41);
const v8::StackFrame queue = other("stub", "RunMicrotasks");

}  // namespace

TEST_CASE("lag: own CPU time is divided as the stacks fell, and names the culprit") {
  ObservedStall stall = with_stacks(
      stall_of(100, 100, 0, {}),
      {{7, "", true, {other("builtin", "test", "/^(a+)+$/ on a string of 41"), handler}},
       {3, "", true, {other("native", "v8::internal::Heap::CollectGarbage"), handler}}});
  const auto parts = explain(stall, threshold_ms);
  CHECK(stall.word == "regex");
  CHECK(stall.function == "handler");
  CHECK(stall.location == "/srv/app.js:41:5");
  CHECK(stall.detail == "/^(a+)+$/ on a string of 41");
  CHECK(*stall.gc_ms == doctest::Approx(30));
  CHECK(stall.evidence == "own CPU 100.0 ms of 100.0 ms; regex in 7 of 10 stacks");
  CHECK(parts.size() == 2);
}

TEST_CASE("lag: a wait is named by its stack, and a thread that had no CPU by that") {
  // a collection waits for its helpers in a futex: no lock of the program
  CHECK(word_of(with_stacks(
            stall_of(100, 5, 0, {{"futex", "", 95}}),
            {{1,
              "futex",
              true,
              {other("native", "v8::internal::Heap::CollectGarbage"), handler}}})) == "gc");
  CHECK(word_of(with_stacks(stall_of(100, 5, 0, {{"stopped", "", 95}}),
                            {{1, "futex", true, {handler}}})) == "stopped");
  // without the neighbour the same code would have blocked the loop as well
  CHECK(word_of(with_stacks(stall_of(100, 45, 55, {}), {{4, "", true, {handler}}})) == "js");
  // without it this would have been no stall
  CHECK(word_of(with_stacks(stall_of(40, 15, 25, {}), {{4, "", true, {handler}}})) == "starved");
  ObservedStall starved = with_stacks(stall_of(100, 30, 70, {}), {{4, "", true, {handler}}});
  explain(starved, threshold_ms);
  CHECK(starved.word == "starved");
  CHECK(starved.function == "handler");
}

TEST_CASE("lag: waits that were not seen are those of the same stall that were, when these agree") {
  const std::vector<Blocked> agreeing{{"unknown", "", 80}, {"fsync", "/srv/journal.log (fd 9)", 5}};
  CHECK(word_of(stall_of(100, 10, 0, agreeing)) == "fs sync");
  const std::vector<Blocked> differing{
      {"unknown", "", 80}, {"fsync", "/srv/journal.log (fd 9)", 5}, {"futex", "", 5}};
  CHECK(word_of(stall_of(100, 10, 0, differing)) == "unknown");
  CHECK(word_of(stall_of(100, 10, 0, {{"unknown", "", 90}})) == "unknown");
}

TEST_CASE("lag: callbacks that queue the next one are microtasks, one long callback is js") {
  const SeenStack between{2, "", true, {other("stub", "PromiseFulfillReactionJob"), queue}};
  const SeenStack inside{6, "", true, {handler, queue}};
  CHECK(word_of(with_stacks(stall_of(100, 100, 0, {}), {inside, between})) == "microtasks");
  CHECK(word_of(with_stacks(stall_of(100, 100, 0, {}), {inside})) == "js");
  ObservedStall stall = with_stacks(stall_of(100, 100, 0, {}), {inside, between});
  explain(stall, threshold_ms);
  CHECK(stall.function == "handler");
  // one stall may have no sample between two callbacks; its neighbours have
  std::vector<ObservedStall> two{with_stacks(stall_of(100, 100, 0, {}), {inside}), stall};
  mark_microtasks(two);
  CHECK(two[0].of_microtasks);
  CHECK(two[1].of_microtasks);
}

TEST_CASE("lag: culprits add up by function over all stalls, with the line that ran most") {
  const auto stall = [](double length, int line) {
    return with_stacks(stall_of(length, length, 0, {}),
                       {{3, "", true, {js("scan", "/srv/app.js", line)}}});
  };
  const Result result =
      analyse({}, sample_of({stall(100, 12), stall(60, 12), stall(40, 14),
                             with_stacks(stall_of(200, 200, 0, {}),
                                         {{1, "", true, {js("parse", "/srv/b.js", 3, "csv")}}})}));
  REQUIRE(result.culprits.size() == 2);
  CHECK(result.culprits[1].function == "parse");
  CHECK(result.culprits[1].package == "csv");
  CHECK(result.culprits[0].function == "scan");
  CHECK(result.culprits[0].location == "/srv/app.js:12:5");
  CHECK(result.culprits[0].stalls_count == 3);
  CHECK(result.culprits[0].total_ms == doctest::Approx(200));
  CHECK(result.culprits[0].ratio == doctest::Approx(0.5));
  // the worst stall comes first, and says with which stack
  CHECK(result.stacks.at(static_cast<std::size_t>(*result.stalls[0].stack)).frames[0].url ==
        "/srv/b.js");
  const auto found = std::find_if(result.envelope.findings.begin(), result.envelope.findings.end(),
                                  [](const Finding& finding) { return finding.id == "culprit"; });
  REQUIRE(found != result.envelope.findings.end());
  CHECK(found->location->file == "/srv/app.js");
  CHECK(found->location->line == 12);
  CHECK(found->location->column == 5);
}

TEST_CASE("lag: a recorded sample with stacks gives the same result again") {
  Sample sample = sample_of({with_stacks(stall_of(150, 150, 0, {}), {{3, "", true, {handler}}})});
  sample.stacks_count = 3;
  sample.stack_objects_count = 200;
  sample.stack_failed_count = 1;
  const auto again = from_json<Sample>(to_json(sample), "sample");
  CHECK(to_json(analyse({}, again)) == to_json(analyse({}, sample)));
  CHECK(*analyse({}, again).stack_failed_ratio == doctest::Approx(0.005));
}

TEST_CASE("lag: without stacks the culprits are a gap, not an empty list") {
  const auto gaps = analyse({}, sample_of({stall_of(150, 150, 0, {})})).envelope.gaps;
  CHECK(
      std::any_of(gaps.begin(), gaps.end(), [](const Gap& gap) { return gap.what == "culprits"; }));
  CHECK(analyse({}, sample_of({})).envelope.gaps.empty());
}

TEST_CASE("lag: a recorded sample gives the same result again") {
  const Sample sample = sample_of({stall_of(150, 100, 50, {{"read", "/a", 1}})});
  const auto again = from_json<Sample>(to_json(sample), "sample");
  CHECK(to_json(analyse({}, again)) == to_json(analyse({}, sample)));
}
