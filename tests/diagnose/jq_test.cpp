#include "lib/diagnose/jq.h"

#include <doctest/doctest.h>

using triage::diagnose::compile_each;
using triage::diagnose::JqAnswer;
using triage::diagnose::JqLimits;
using triage::diagnose::run_jq;

TEST_CASE("jq: all results of all inputs come back in order") {
  const JqAnswer answer = run_jq(".a, .b", {R"({"a": 1, "b": "x\ny"})", R"({"a": null})"}, {});
  REQUIRE(answer.end == JqAnswer::End::done);
  CHECK(answer.outputs.at(0) == std::vector<std::string>{"1", R"("x\ny")"});
  CHECK(answer.outputs.at(1) == std::vector<std::string>{"null", "null"});
}

TEST_CASE("jq: a program that does not compile says so and never prints") {
  const JqAnswer answer = run_jq(".a | )", {"{}"}, {});
  CHECK(answer.end == JqAnswer::End::syntax);
  CHECK(answer.why.find("syntax error") != std::string::npos);
  const auto each = compile_each({".a", "nosuch(1)", ".b"}, {});
  REQUIRE(each.size() == 3);
  CHECK(each[0].empty());
  CHECK(each[1].find("nosuch/1 is not defined") != std::string::npos);
  CHECK(each[2].empty());
}

TEST_CASE("jq: a program that never ends is stopped, and what it said before is kept") {
  JqLimits limits;
  limits.cpu = std::chrono::seconds(1);
  const JqAnswer answer = run_jq("1, 2, last(repeat(1))", {"null"}, limits);
  CHECK(answer.end == JqAnswer::End::timed_out);
  CHECK(answer.outputs.at(0) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("jq: an input that is not JSON gives no result and no crash") {
  const JqAnswer answer = run_jq(".", {"{", "1"}, {});
  REQUIRE(answer.end == JqAnswer::End::done);
  CHECK(answer.outputs.at(0).empty());
  CHECK(answer.outputs.at(1) == std::vector<std::string>{"1"});
}
