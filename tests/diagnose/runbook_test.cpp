#include "lib/diagnose/runbook.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "lib/base/error.h"

using triage::Error;
using triage::ErrorCode;
using triage::diagnose::load_runbook;

namespace {

/// A sound runbook of the smallest size with `more` at its end.
std::string runbook(const std::string& more = {}) {
  return R"(triage: runbook/v1
id: test
title: a test
probes:
  pg: {use: pool, with: {db: x}}
hypotheses:
  a: {title: cause a}
  none: {title: none of these}
)" + more;
}

std::string error_of(const std::string& text) {
  try {
    load_runbook(text, "test.yaml");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::usage);
    return error.what();
  }
  return "no error";
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("runbook: a sound one is read with its parts and its hash") {
  const auto read =
      load_runbook(runbook("evidence:\n  e: {if: 'true', then: {a: +3}, else: {a: -2}, "
                           "say: yes it is, group: g}\nwindow: {since: 15m}\n"),
                   "test.yaml");
  CHECK(read.id == "test");
  CHECK(read.steps.at(0).use == "pool");
  CHECK(read.evidence.at(0).when_true.at("a") == 3);
  CHECK(read.evidence.at(0).when_false.at("a") == -2);
  CHECK(read.evidence.at(0).say.line == 10);
  CHECK(read.inputs.at(0).id == "since");
  CHECK(read.inputs.at(0).fallback == "15m");
  CHECK(read.sha256.size() == 64);
}

TEST_CASE("runbook: every mistake is named with its file and line") {
  CHECK(says(error_of("a: [1, 2"), "test.yaml:"));
  CHECK(says(error_of("a: [1, 2"), "not YAML"));
  CHECK(says(error_of(""), "empty"));
  CHECK(says(error_of("triage: runbook/v2\n"), "expected 'triage: runbook/v1'"));
  CHECK(says(error_of(runbook("evidense: {}\n")), "test.yaml:9: unknown key 'evidense'"));
  CHECK(says(error_of(runbook("id: twice\n")), "stands twice"));
  CHECK(says(error_of(runbook("evidence:\n  e: {if: 'true', say: x, then: {b: 1}}\n")),
             "test.yaml:10: evidence.e.then: there is no hypothesis 'b'"));
  CHECK(says(error_of(runbook("evidence:\n  e: {if: 'true', say: x, then: {a: 4}}\n")),
             "from -3 to +3"));
  CHECK(says(error_of(runbook("evidence:\n  e: {say: x}\n")), "'if' is missing"));
  CHECK(says(error_of(runbook("caps: [{unless: logs, verdict: possible, say: x}]\n")),
             "there is no probe 'logs'"));
  CHECK(says(error_of(runbook("facts: {a-b: '1'}\n")), "is not a name"));
  CHECK(says(error_of(runbook("limits: {wall: soon}\n")), "limits.wall"));
  CHECK(says(error_of("triage: runbook/v1\nid: a\ntitle: b\nprobes: {p: {use: pool}}\n"
                      "hypotheses: {a: {title: x}}\n"),
             "'none' is missing"));
  CHECK(says(error_of("triage: runbook/v1\nid: a\ntitle: b\nprobes: {p: {use: pool, with: {db: "
                      "'${db}'}}}\nhypotheses: {none: {title: x}}\n"),
             "there is no input 'db'"));
}

TEST_CASE("runbook: keys of one's own start with x-") {
  CHECK(error_of(runbook("x-owner: {team: orders}\n")) == "no error");
}

TEST_CASE("runbook: files made to hurt the reader are refused") {
  CHECK(says(error_of(runbook("x-a: &a [1]\nx-b: *a\n")), "anchors and aliases"));
  CHECK(says(error_of(runbook("x-a: " + std::string(100, '[') + std::string(100, ']') + "\n")),
             "nested deeper"));
  CHECK(says(error_of(std::string(300UL * 1024, ' ')), "more than a runbook may have"));
  CHECK(says(error_of(std::string("a: \0b", 5)), "not a text file"));
}

TEST_CASE("runbook: the built-in ones are sound and known by name") {
  for (const auto& id : triage::diagnose::builtin_ids())
    CHECK(load_runbook(triage::diagnose::find_builtin(id), id).id == id);
  CHECK_THROWS_WITH_AS(triage::diagnose::find_builtin("db-timeuot"),
                       "there is no built-in runbook 'db-timeuot'", Error);
}
