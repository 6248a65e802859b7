#include "lib/probes/heap_diff.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;                     // NOLINT(google-build-using-namespace): one unit
using namespace triage::probes::heap_diff;  // NOLINT(google-build-using-namespace)

namespace {

Container container(std::vector<std::int64_t> growth, double ratio, const std::string& kind) {
  Container row;
  row.id = "7";
  row.class_name = "Array";
  row.objects_count = 2000;
  row.new_bytes = 1'800'000;
  row.new_ratio = ratio;
  row.born = growth;
  row.net_growth = std::move(growth);
  row.variable = "bus._events.tick";
  row.guess = KindRow{kind, 0.9, ""};
  return row;
}

Result judged(std::vector<std::int64_t> growth, double agreement = 1, double ratio = 0.9,
              const std::string& kind = "listener", std::int64_t removed = 0) {
  Sample sample;
  sample.files = {{"a", 10'000'000, 1}, {"b", 11'000'000, 1}, {"c", 12'000'000, 1}};
  sample.id_agreement_ratio = agreement;
  sample.new_bytes = 2'000'000;
  sample.containers = {container(std::move(growth), ratio, kind)};
  sample.containers[0].removed_count = removed;
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

TEST_CASE("heap_diff: a table is called a leak only on points enough to tell it from a cache") {
  CHECK(judged({1000, 1000}, 1, 0.9, "cache_map").leak == "not_yet");
  CHECK(judged({1000, 1000}, 1, 0.9, "cache_map").envelope.findings[0].text.find("leak:") ==
        std::string::npos);
  CHECK(judged({1000, 1000, 1000}, 1, 0.9, "cache_map").leak == "yes");
  CHECK(judged({1000, 500, 0}, 1, 0.9, "cache_map").leak == "no");
  CHECK(judged({1000, 1000}, 1, 0.9, "listener").leak == "yes");
}

TEST_CASE("heap_diff: a cache that replaces its entries has a limit and does not grow") {
  const Result result = judged({800, 700}, 1, 0.9, "cache_map", 900);
  CHECK(result.shape == "warming");
  CHECK(result.leak == "no");
}

TEST_CASE("heap_diff: advice comes with the kind and only with growth that goes on") {
  CHECK_FALSE(judged({1000, 1000}).later.empty());
  CHECK_FALSE(judged({1000, 1000}).dont.empty());
  CHECK(judged({1000, 0}).later.empty());
}
