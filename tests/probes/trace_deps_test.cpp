#include "lib/probes/trace_deps.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace {

using namespace triage;
using probes::trace_deps::analyse;
using probes::trace_deps::Sample;

traces::DependencyRow row(const std::string& callee, double failed, double p95) {
  return {"shop", callee, "service", 100, 1, failed, p95 / 2, p95, p95};
}

Sample sample_of(std::vector<traces::DependencyRow> now, std::vector<traces::DependencyRow> then) {
  Sample sample;
  sample.traces_count = 100;
  sample.baseline_traces_count = then.empty() ? 0 : 100;
  sample.now = std::move(now);
  sample.then = std::move(then);
  return sample;
}

}  // namespace

TEST_CASE("trace deps: new, gone, failing and slower dependencies are told apart") {
  const auto result = analyse(
      {}, sample_of({row("a", 0, 100), row("b", 0.2, 100), row("c", 0, 300), row("e", 0, 9)},
                    {row("a", 0, 100), row("b", 0.01, 100), row("c", 0, 100), row("d", 0, 9)}));
  const auto change = [&](const std::string& callee) {
    const auto found = std::find_if(result.dependencies.begin(), result.dependencies.end(),
                                    [&](const auto& edge) { return edge.callee == callee; });
    REQUIRE(found != result.dependencies.end());
    return found->change;
  };
  CHECK(change("a").empty());
  CHECK(change("b") == "failing");
  CHECK(change("c") == "slower");
  CHECK(change("d") == "gone");
  CHECK(change("e") == "new");
  CHECK(result.envelope.severity == Severity::warn);
}

TEST_CASE("trace deps: without a baseline nothing is new, and without traces nothing is known") {
  const auto result = analyse({}, sample_of({row("a", 0, 100)}, {}));
  REQUIRE(result.dependencies.size() == 1);
  CHECK(result.dependencies[0].change.empty());
  CHECK(result.envelope.severity == Severity::ok);
  CHECK(analyse({}, Sample{}).envelope.severity == Severity::unknown);
}

TEST_CASE(
    "trace deps: an edge that no trace here has, but Jaeger counts, is neither new nor gone") {
  Sample sample = sample_of({row("a", 0, 100)}, {row("a", 0, 100), row("d", 0, 9)});
  sample.counted = {{"shop", "a", 4000}, {"shop", "d", 7}, {"shop", "z", 3}};
  const auto result = analyse({}, sample);
  REQUIRE(result.dependencies.size() == 3);
  for (const auto& edge : result.dependencies) {
    CHECK(edge.change.empty());
    if (edge.callee == "a") CHECK(edge.counted_count == 4000);
    if (edge.callee == "z") CHECK_FALSE(edge.now);
  }
}
