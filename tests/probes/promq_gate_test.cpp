#include "lib/probes/promq_gate.h"

#include <doctest/doctest.h>

#include "tests/support/http_server.h"

using namespace triage;
using namespace triage::probes;

namespace {

Severity severity_with(std::vector<promq_gate::Value> values, const std::string& condition) {
  promq_gate::Options options;
  options.fail_if = condition;
  promq_gate::Sample sample;
  sample.values = std::move(values);
  return promq_gate::analyse(options, sample).envelope.severity;
}

}  // namespace

TEST_CASE(
    "promq gate: a series that meets the condition fails, infinity is "
    "compared too") {
  CHECK(severity_with({{"x", 0.3, "0.3"}, {"y", 0.1, "0.1"}}, "> 0.2") == Severity::crit);
  CHECK(severity_with({{"x", 0.2, "0.2"}}, "> 0.2") == Severity::ok);
  CHECK(severity_with({{"x", {}, "inf"}}, "> 0.2") == Severity::crit);
  CHECK(severity_with({{"x", {}, "-inf"}}, ">0.2") == Severity::ok);
}

TEST_CASE("promq gate: no data and NaN are unknown, never a pass") {
  CHECK(severity_with({}, "> 0.2") == Severity::unknown);
  CHECK(severity_with({{"x", {}, "nan"}}, "> 0.2") == Severity::unknown);
}

TEST_CASE(
    "promq gate: a condition that is none is refused before anything is "
    "asked") {
  for (const char* text : {"", "0.2", "> ", "> x", "=> 1", "> 1 2"})
    CHECK_THROWS_AS(promq_gate::parse_condition(text), Error);
  CHECK(promq_gate::parse_condition(" <=1e-3 ").limit == 0.001);
  testing::HttpServer server([](const auto&) { return testing::ScriptedAnswer{}; });
  const SystemClock clock;
  Session session(clock);
  promq_gate::Options options;
  options.query = "up";
  options.fail_if = "often";
  options.source.prometheus = server.address();
  CHECK_THROWS_AS(promq_gate::collect(options, session), Error);
  CHECK(server.requests().empty());
}
