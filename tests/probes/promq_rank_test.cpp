#include "lib/probes/promq_rank.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using namespace triage;
using namespace triage::probes;

namespace {

promq::Curve step_curve(const std::string& name, double from, double to, int at) {
  promq::Curve curve{name, {}, 1000, 1, {}};
  for (int i = 0; i < 120; ++i) curve.values.emplace_back((i < at ? from : to) + 0.01 * (i % 7));
  return curve;
}

}  // namespace

TEST_CASE("promq rank: what moved most in its bad direction comes first, with the common onset") {
  promq_rank::Sample sample;
  sample.curves = {step_curve("a_lat", 1, 2, 80), step_curve("b_cpu", 1, 9, 80),
                   step_curve("c_availability", 1, 50, 80), step_curve("d_mem", 1, 1, 80)};
  const auto result = promq_rank::analyse({}, sample);
  REQUIRE(result.movers.size() == 4);
  CHECK(result.movers[0].name == "b_cpu");
  CHECK(result.movers[1].name == "a_lat");
  CHECK(result.services[0].name == "b");
  REQUIRE(result.onset_index);
  CHECK(*result.onset_index >= 78);
  CHECK(*result.onset_index <= 82);
}

TEST_CASE("promq rank: a start that is told too late is corrected") {
  promq_rank::Sample sample;
  sample.curves = {step_curve("a_lat", 1, 2, 60), step_curve("b_cpu", 1, 9, 60)};
  sample.start = 100;
  const auto result = promq_rank::analyse({}, sample);
  REQUIRE(result.onset_index);
  CHECK(*result.onset_index <= 62);
}

TEST_CASE("promq rank: a table keeps empty cells as gaps and refuses what is no number") {
  const auto curves = promq_rank::parse_table("time,\"a,b\",c\n10,1,\n12,inf,3\n14,-2e-3,4\n", "t");
  REQUIRE(curves.size() == 2);
  CHECK(curves[0].name == "a,b");
  CHECK(curves[0].step_s == 2);
  CHECK(curves[0].values == std::vector<std::optional<double>>{1.0, std::nullopt, -0.002});
  CHECK_FALSE(curves[1].values[0].has_value());
  CHECK_THROWS_AS(promq_rank::parse_table("time,a\n1,x\n", "t"), Error);
  CHECK_THROWS_AS(promq_rank::parse_table("time,a\n1\n", "t"), Error);
  CHECK_THROWS_AS(promq_rank::parse_table("", "t"), Error);
}

TEST_CASE("promq rank: no series is unknown, and a short history cannot tell an incident") {
  promq_rank::Options options;
  CHECK(promq_rank::analyse(options, {}).envelope.severity == Severity::unknown);
  options.symptom = "latency:front";
  promq_rank::Sample sample;
  sample.curves = {step_curve("latency:front", 1, 9, 30)};
  sample.start = 30;
  const auto result = promq_rank::analyse(options, sample);
  CHECK(result.incident == false);
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("promq rank: a graph is read from CSV, from trace deps and from Jaeger's answer") {
  for (const char* text :
       {"caller,callee\na,b\n", R"({"dependencies":[{"caller":"a","callee":"b","kind":"x"}]})",
        R"({"data":[{"parent":"a","child":"b","callCount":3}]})"}) {
    const auto calls = promq_rank::parse_graph(text, "graph");
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].caller == "a");
    CHECK(calls[0].callee == "b");
  }
  for (const char* text : {"", "{", "{}", R"({"data":null})", R"([1])", R"([{"caller":1}])"})
    CHECK_THROWS_AS(promq_rank::parse_graph(text, "graph"), triage::Error);
}
