#include <doctest/doctest.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/diagnose/runbook.h"

using namespace triage::diagnose;  // NOLINT(google-build-using-namespace): one unit, many names

namespace {

Runbook part(const std::string& id, const std::string& cause, const std::string& condition) {
  return load_runbook(
      "triage: runbook/v1\nid: " + id + "\ntitle: " + id +
          "\ninputs: {target: {}}\n"
          "probes: {fds: {use: fds, title: descriptors, with: {target: '${target}'}}}\n"
          "evidence:\n  full: {if: '" +
          condition + "', say: full, then: {" + cause +
          ": +3}}\n"
          "hypotheses: {" +
          cause +
          ": {title: a}, none: {title: none}}\n"
          "dont: [{id: x, say: not so}]\n"
          "caps: [{unless: fds, verdict: possible, say: nothing was read}]\n"
          "unchecked: [{source: descriptors, say: a}, {source: git, say: b}]\n",
      id);
}

}  // namespace

TEST_CASE("join: what two runbooks ask in the same words is asked once and speaks for both") {
  Runbook base;
  base.id = "both";
  const Runbook joined = join_runbooks(base, {part("one", "a", "v(.fds.used_ratio) >= 1"),
                                              part("two", "b", "v(.fds.used_ratio) >= 1")});
  CHECK(joined.steps.size() == 1);
  REQUIRE(joined.evidence.size() == 1);
  CHECK(joined.evidence[0].when_true == Strengths{{"a", 3}, {"b", 3}});
  CHECK(joined.evidence[0].families == std::set<std::string>{"one", "two"});
  CHECK(joined.hypotheses.size() == 3);
  const auto none = std::find_if(joined.hypotheses.begin(), joined.hypotheses.end(),
                                 [](const Hypothesis& one) { return one.id == "none"; });
  CHECK(none->families.empty());
}

TEST_CASE("join: advice and caps stay with the causes of their runbook") {
  const Runbook joined = join_runbooks({}, {part("one", "a", "true"), part("two", "b", "true")});
  REQUIRE(joined.caps.size() == 2);
  CHECK(joined.caps[0].only == std::set<std::string>{"a"});
  CHECK(joined.caps[1].only == std::set<std::string>{"b"});
  REQUIRE(joined.dont.size() == 1);
  CHECK(joined.dont[0].only == std::set<std::string>{"a", "b"});
  // a source that one of them asks is not called unchecked
  REQUIRE(joined.unchecked.size() == 1);
  CHECK(joined.unchecked[0].source == "git");
}

TEST_CASE("join: one name for two questions is refused") {
  CHECK_THROWS_AS(join_runbooks({}, {part("one", "a", "true"), part("two", "b", "false")}),
                  triage::Error);
}

TEST_CASE("join: an effect that no runbook knows is refused") {
  Runbook base;
  base.causes = {{"a", {"nobody"}}};
  CHECK_THROWS_AS(join_runbooks(base, {part("one", "a", "true")}), triage::Error);
}

TEST_CASE("join: every built-in runbook loads, and auto joins the others") {
  for (const auto& id : builtin_ids()) CHECK(load_runbook(find_builtin(id), id).id == id);
  const Runbook joined = load_runbook(find_builtin("auto"), "auto");
  CHECK(joined.include.size() == 4);
  CHECK(joined.steps.size() >= 6);
}
