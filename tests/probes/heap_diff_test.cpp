#include "lib/probes/heap_diff.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;                     // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_diff;  // NOLINT(google-build-using-namespace)

namespace {

Result judged(std::vector<std::int64_t> born, double agreement = 1, double ratio = 0.9) {
  Sample sample;
  sample.files = {{"a", 10'000'000, 1}, {"b", 11'000'000, 1}, {"c", 12'000'000, 1}};
  sample.id_agreement_ratio = agreement;
  sample.new_bytes = 2'000'000;
  sample.containers = {{"7", "Map", 2000, 1'800'000, ratio, std::move(born), {"cache: Map @7"}}};
  return analyse({}, sample);
}

}  // namespace

TEST_CASE("heap_diff: growth that goes on is a warning, growth that settles is none") {
  CHECK(judged({1000, 1000}).shape == "growing");
  CHECK(judged({1000, 1000}).envelope.severity == Severity::warn);
  CHECK(judged({1000, 900, 950}).shape == "growing");
  CHECK(judged({1000, 100}).shape == "warming");
  CHECK(judged({1000, 100}).envelope.severity == Severity::info);
  CHECK(judged({1000, 700}).shape == "undecided");
}

TEST_CASE("heap_diff: two snapshots never make a leak") {
  CHECK(judged({1000}).shape == "undecided");
  CHECK(judged({1000}).envelope.severity == Severity::info);
}

TEST_CASE("heap_diff: what is spread over many containers is no warning") {
  CHECK(judged({1000, 1000}, 1, 0.2).envelope.severity == Severity::ok);
}

TEST_CASE("heap_diff: ids of another session give unknown") {
  const Result result = judged({1000, 1000}, 0.7);
  CHECK(result.shape == "undecided");
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("heap_diff: one file is wrong use") {
  const ManualClock clock;
  Session session(clock);
  CHECK_THROWS_AS(collect({{"a.heapsnapshot"}, 5}, session), Error);
}
