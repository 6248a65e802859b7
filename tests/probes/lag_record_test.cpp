#include "lib/probes/lag_record.h"

#include <doctest/doctest.h>

#include "lib/probes/make_probe.h"

using namespace triage;
using namespace triage::probes;

namespace {

/// main -> work (twice) -> work again, and a collection: five samples, one of three looks idle.
lag_record::Sample recorded() {
  lag_record::Sample sample;
  sample.at = "2026-11-25T10:00:00.000Z";
  sample.target = "server.js pid 7";
  sample.pid = sample.tid = 7;
  sample.window_ms = 1000;
  sample.rate_per_s = 100;
  sample.samples_count = 5;
  sample.idle_count = 5;
  sample.nodes = {{-1, "main", "js", "file:///srv/server.js", 1, 1, "", 0},
                  {0, "work", "js", "file:///srv/work.js", 10, 3, "", 2},
                  {1, "work", "js", "file:///srv/work.js", 10, 3, "", 2},
                  {0, "parse", "js", "file:///srv/node_modules/csv/index.js", 5, 1, "csv", 1}};
  sample.words = {{"js", 4}, {"gc", 1}};
  sample.order = {1, 1, 2, 2, 3};
  sample.since_before_ms = {10, 10, 10, 10, 10};
  return sample;
}

}  // namespace

TEST_CASE("lag record: a function that calls itself counts once for each sample") {
  const auto result = lag_record::analyse({}, recorded());
  REQUIRE(result.functions.size() == 3);
  CHECK(result.functions[0].function == "work");
  CHECK(result.functions[0].own_ratio == doctest::Approx(0.8));
  CHECK(result.functions[0].whole_ratio == doctest::Approx(0.8));
  CHECK(result.functions[0].location == "/srv/work.js:10");
  CHECK(result.functions[2].function == "main");
  CHECK(result.functions[2].own_ratio == 0);
  CHECK(result.functions[2].whole_ratio == doctest::Approx(1.0));
}

TEST_CASE("lag record: waiting for events is no sample but counts as idle") {
  const auto result = lag_record::analyse({}, recorded());
  CHECK(result.busy_ratio == doctest::Approx(0.5));
  CHECK(result.gc_ratio == doctest::Approx(0.2));
  REQUIRE(result.envelope.findings.size() == 1);
  CHECK(result.envelope.findings[0].text.find("work (/srv/work.js:10)") != std::string::npos);
}

TEST_CASE("lag record: no stack at all is unknown, a thread that only waited is not") {
  lag_record::Sample sample = recorded();
  sample.samples_count = 0;
  sample.nodes.clear();
  sample.order.clear();
  sample.words.clear();
  CHECK(lag_record::analyse({}, sample).envelope.severity == Severity::info);
  sample.idle_count = 0;
  const auto result = lag_record::analyse({}, sample);
  CHECK(result.envelope.severity == Severity::unknown);
  CHECK_FALSE(result.busy_ratio);
  CHECK_FALSE(result.gc_ratio);
}

TEST_CASE("lag record: a record gives the same bytes as the run") {
  const auto sample = recorded();
  const Json json = probes::detail::sample_to_json(sample);
  const auto again = probes::detail::sample_from_json<lag_record::Sample>(json, "sample");
  CHECK(to_json(lag_record::analyse({}, again)) == to_json(lag_record::analyse({}, sample)));
}
