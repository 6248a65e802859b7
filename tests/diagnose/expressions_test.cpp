#include "lib/diagnose/expressions.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"

using triage::Error;
using triage::diagnose::Answer;
using triage::diagnose::Expressions;
using triage::diagnose::JqLimits;
using triage::diagnose::load_runbook;

namespace {

/// One runbook with these facts and these pieces of evidence, given as YAML lines.
triage::diagnose::Runbook runbook(const std::string& facts, const std::string& evidence) {
  return load_runbook(
      "triage: runbook/v1\nid: t\ntitle: t\ninputs: {service: {}}\n"
      "probes:\n  pg: {use: pool}\n  logs: {use: logs}\n"
      "facts:\n  zero: '0'\n" +
          facts + "evidence:\n" + evidence + "hypotheses: {none: {title: none}}\n",
      "t.yaml");
}

Answer ask(const std::string& condition, const std::string& documents,
           const std::string& facts = {}) {
  const auto book = runbook(facts, "  e: {if: '" + condition + "', say: x}\n");
  const Expressions expressions(book);
  const auto evaluation =
      expressions.evaluate({documents}, R"({"service": "orders"})", {},
                           [](const triage::diagnose::Slot& /*slot*/) { return true; });
  return evaluation.answers.at(0).at("evidence.e.if");
}

std::string text(const std::string& say, const std::string& documents) {
  const auto book = runbook({}, "  e: {if: 'true', say: '" + say + "'}\n");
  const auto evaluation =
      Expressions(book).evaluate({documents}, R"({"service": "orders"})", {},
                                 [](const triage::diagnose::Slot& /*slot*/) { return true; });
  return evaluation.answers.at(0).at("evidence.e.say").text;
}

std::string refusal(const std::string& condition, const std::string& facts = {}) {
  try {
    const Expressions expressions(runbook(facts, "  e: {if: '" + condition + "', say: x}\n"));
    expressions.check({});
  } catch (const Error& error) {
    CHECK(error.code() == triage::ErrorCode::usage);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("expressions: true, false, and unknown when a value is missing") {
  CHECK(ask("v(.pg.used) >= 5", R"({"pg": {"used": 7}})").kind == Answer::Kind::yes);
  CHECK(ask("v(.pg.used) >= 5", R"({"pg": {"used": 3}})").kind == Answer::Kind::no);
  CHECK(ask("v(.pg.used) >= 5", R"({"pg": {"used": null}})").kind == Answer::Kind::unknown);
  CHECK(ask("v(.pg.used) >= 5", R"({"pg": null})").kind == Answer::Kind::unknown);
  CHECK(ask("v(.pg.used)", R"({"pg": {"used": 3}})").kind == Answer::Kind::unknown);
  CHECK(ask("empty", R"({"pg": {"used": 3}})").kind == Answer::Kind::unknown);
}

TEST_CASE("expressions: a fact that raised stays unknown wherever it is used") {
  const std::string facts = "  used: v(.pg.used)\n  full: fact(\"used\") >= 5\n";
  CHECK(ask("fact(\"full\")", R"({"pg": {"used": 7}})", facts).kind == Answer::Kind::yes);
  const Answer answer = ask("fact(\"full\") | not", R"({"pg": null})", facts);
  CHECK(answer.kind == Answer::Kind::unknown);
  CHECK(answer.text.find("used") != std::string::npos);
}

TEST_CASE("expressions: sig counts a signature, 0 when it was not seen, unknown without a log") {
  const std::string seen = R"({"logs": {"signatures": {"pool.acquire_timeout": {"count": 4}}}})";
  CHECK(ask("sig(\"pool.acquire_timeout\") == 4", seen).kind == Answer::Kind::yes);
  CHECK(ask("sig(\"net.dns\") == 0", seen).kind == Answer::Kind::yes);
  CHECK(ask("sig(\"net.dns\") == 0", R"({"logs": null})").kind == Answer::Kind::unknown);
}

TEST_CASE("expressions: texts take values, and what is missing reads unknown") {
  const std::string documents = R"({"pg": {"a": 0.127, "b": 12345, "c": "x\"y", "s": 90}})";
  CHECK(text("\\(.pg.a | percent) of \\(.pg.b | count) in \\($service)", documents) ==
        "13 % of 12 345 in orders");
  CHECK(text("\\(.pg.c) \\(.pg.s | duration) \\(.pg.nothing.at.all)", documents) ==
        "x\"y 90 s unknown");
  CHECK(text("100 % \"quoted\" \\\\ back", documents) == "100 % \"quoted\" \\\\ back");
  CHECK(text("nested \\(\"in \\(.pg.s)\")", documents) == "nested in 90");
}

TEST_CASE("expressions: comparisons that would lie on missing data are refused") {
  CHECK(refusal(".pg.used >= 5").find("compared without v()") != std::string::npos);
  CHECK(refusal("5 < .pg.used").find("compared without v()") != std::string::npos);
  CHECK(refusal("(.pg.used // 0) >= 5") == "accepted");
  CHECK(refusal("[.pg.list[] | select(.age >= 5)] | length > 0") == "accepted");
  CHECK(refusal(".pg.used != null") == "accepted");
}

TEST_CASE("expressions: words that reach outside are refused") {
  for (const char* word : {"env.HOME == 1", "$ENV.HOME == 1", "input == 1", "now > 1", "halt",
                           "$__doc.pg == 1", "import 1", "debug", "input_filename == 1"}) {
    CAPTURE(word);
    CHECK(refusal(word).find("not allowed in a runbook") != std::string::npos);
  }
}

TEST_CASE("expressions: mistakes are named with their line and place") {
  CHECK(refusal("v(.pg.used >= 5").starts_with("t.yaml:11: evidence.e.if: "));
  CHECK(refusal("v(.pg.used) >= ").starts_with("t.yaml:11: evidence.e.if: jq: syntax error"));
  CHECK(refusal("nosuch(.pg) == 1").find("nosuch/1 is not defined") != std::string::npos);
  CHECK(refusal("fact(\"gone\")").find("there is no fact 'gone'") != std::string::npos);
  // an expression cannot close its slot and go on in the next
  CHECK(refusal("true)}, {l: \"evidence.e.if\", a: (true") != "accepted");
}

TEST_CASE("expressions: one that never ends is given up and the others are kept") {
  const auto book = runbook("  endless: last(repeat(1))\n",
                            "  e: {if: 'v(.pg.used) >= 5', say: x}\n"
                            "  f: {if: 'fact(\"endless\") == 1', say: x}\n"
                            "  g: {if: '[range(1e12)] | length > 0', say: x}\n");
  JqLimits limits;
  limits.cpu = std::chrono::seconds(1);
  const auto evaluation = Expressions(book).evaluate(
      {R"({"pg": {"used": 7}})", R"({"pg": {"used": 1}})"}, R"({"service": null})", limits,
      [](const triage::diagnose::Slot& /*slot*/) { return true; });
  REQUIRE(evaluation.answers.size() == 2);
  CHECK(evaluation.answers[0].at("evidence.e.if").kind == Answer::Kind::yes);
  CHECK(evaluation.answers[1].at("evidence.e.if").kind == Answer::Kind::no);
  CHECK(evaluation.answers[0].at("evidence.f.if").kind == Answer::Kind::unknown);
  CHECK(evaluation.answers[0].at("evidence.g.if").kind == Answer::Kind::unknown);
  REQUIRE(evaluation.gaps.size() == 2);
  CHECK(evaluation.gaps[0].what == "facts.endless");
  CHECK(evaluation.gaps[0].why.starts_with("t.yaml:10: "));
  CHECK(evaluation.gaps[1].what == "evidence.g.if");
}

TEST_CASE("expressions: each knows which parts of which documents it reads") {
  const auto book = runbook("  used: v(.pg.used_count)\n",
                            "  e: {if: 'fact(\"used\") >= sig(\"net.dns\")', say: x}\n");
  const Expressions expressions(book);
  const auto* slot = expressions.find("evidence.e.if");
  REQUIRE(slot != nullptr);
  REQUIRE(slot->reads.size() == 2);
  CHECK(slot->reads[0].root == "logs");
  CHECK(slot->reads[0].pointer == "/signatures/net.dns");
  CHECK(slot->reads[1].root == "pg");
  CHECK(slot->reads[1].pointer == "/used_count");
}
