#include "lib/diagnose/causes.h"

#include <doctest/doctest.h>

#include "lib/diagnose/rank.h"

using namespace triage::diagnose;  // NOLINT(google-build-using-namespace): one unit, many names

namespace {

Evidence evidence(const std::string& id, Strengths when_true) {
  Evidence value;
  value.id = id;
  value.when_true = std::move(when_true);
  return value;
}

Hypothesis hypothesis(const std::string& id, std::set<std::string> effects = {}) {
  Hypothesis value;
  value.id = id;
  value.causes = std::move(effects);
  return value;
}

/// A leak makes the collector work, which blocks the loop, which makes the pool time out; a slow
/// statement makes the pool time out as well.
Runbook chain() {
  Runbook book;
  book.hypotheses = {hypothesis("leak", {"gc"}),        hypothesis("gc", {"loop"}),
                     hypothesis("loop", {"pool"}),      hypothesis("pool"),
                     hypothesis("statement", {"pool"}), hypothesis("none")};
  book.evidence = {evidence("grows", {{"leak", 3}}), evidence("collects", {{"gc", 3}}),
                   evidence("late", {{"loop", 3}}), evidence("waits", {{"pool", 3}}),
                   evidence("long", {{"statement", 3}})};
  return book;
}

View with(const std::vector<std::string>& facts) {
  View view;
  for (const auto& fact : facts) view.states[fact] = State::yes;
  return view;
}

const Score& score(const Ranking& ranking, const std::string& id) {
  for (const auto& one : ranking.scores)
    if (one.id == id) return one;
  FAIL("no such hypothesis: " << id);
  return ranking.scores.front();
}

}  // namespace

TEST_CASE("causes: what a cause explains strengthens it and takes no share from it") {
  const Runbook book = chain();
  const Ranking alone = rank(book, with({"grows"}));
  const Ranking explained = rank(book, with({"grows", "collects", "late", "waits"}));
  CHECK(explained.scores.front().id == "leak");
  CHECK(explained.scores.front().share > alone.scores.front().share);
  for (const char* effect : {"gc", "loop", "pool"}) {
    CHECK(score(explained, effect).explained_by == "leak");
    CHECK(score(explained, effect).share == 0);
  }
  CHECK(explained.co_causes.empty());
}

TEST_CASE("causes: without the first of a chain the next one is the cause") {
  const Ranking ranking = rank(chain(), with({"late", "waits"}));
  CHECK(ranking.scores.front().id == "loop");
  CHECK(score(ranking, "pool").explained_by == "loop");
}

TEST_CASE("causes: two that hold and are not each other's effect are both named") {
  const Ranking ranking = rank(chain(), with({"grows", "collects", "long", "waits"}));
  const bool leak_first = ranking.scores.front().id == "leak";
  CHECK((leak_first || ranking.scores.front().id == "statement"));
  REQUIRE(ranking.co_causes.size() == 1);
  CHECK(ranking.co_causes.front() == (leak_first ? "statement" : "leak"));
  CHECK(ranking.word == "confirmed");
  CHECK(score(ranking, "statement").share > 0.8);
  CHECK(score(ranking, "leak").share > 0.8);
}

TEST_CASE("causes: weak evidence does not stand beside the first cause") {
  Runbook book = chain();
  book.evidence.push_back(evidence("hint", {{"statement", 1}}));
  CHECK(rank(book, with({"grows", "hint"})).co_causes.empty());
}

TEST_CASE("causes: an effect that began before its cause is not explained by it") {
  const Runbook book = chain();
  View view = with({"grows", "collects"});
  view.onsets = {{"leak", 1000}, {"gc", 500}};
  CHECK(score(rank(book, view), "gc").explained_by.empty());
  view.onsets["gc"] = 999;  // closer than the clocks are exact: a tie
  CHECK(score(rank(book, view), "gc").explained_by == "leak");
  view.onsets["gc"] = 1400;
  CHECK(score(rank(book, view), "gc").explained_by == "leak");
}

TEST_CASE("causes: what began after the symptom loses, what began before it gains") {
  const Runbook book = chain();
  View view = with({"long"});
  view.symptom_onset = 1000;
  view.onsets = {{"statement", 900}};
  const double before = score(rank(book, view), "statement").log_odds;
  view.onsets = {{"statement", 1100}};
  const double after = score(rank(book, view), "statement").log_odds;
  view.onsets = {};
  const double unknown = score(rank(book, view), "statement").log_odds;
  CHECK(before > unknown);
  CHECK(after < unknown);
}

TEST_CASE("causes: two that bring each other about: the one with more evidence is the cause") {
  Runbook book = chain();
  book.hypotheses[3].causes = {"loop"};  // pool -> loop, beside loop -> pool
  book.evidence.push_back(evidence("more", {{"loop", 1}}));
  const Ranking ranking = rank(book, with({"late", "waits", "more"}));
  CHECK(ranking.scores.front().id == "loop");
  CHECK(score(ranking, "pool").explained_by == "loop");
  CHECK(score(ranking, "loop").explained_by.empty());
}

TEST_CASE(
    "causes: of joined runbooks those without a symptom drop out, unless their effects have one") {
  Runbook book = chain();
  for (auto& hypothesis : book.hypotheses) hypothesis.families = {"memory"};
  book.hypotheses[2].families = book.hypotheses[3].families = {"database"};
  book.hypotheses[4].families = {"other"};
  book.hypotheses[4].causes.clear();
  book.hypotheses[5].families.clear();
  Evidence symptom = evidence("fails", {});
  symptom.role = Evidence::Role::symptom;
  symptom.families = {"database"};
  book.evidence.push_back(symptom);
  const Ranking ranking = rank(book, with({"grows", "long", "fails"}));
  CHECK(ranking.scores.front().id == "leak");
  for (const auto& one : ranking.scores) CHECK(one.id != "statement");
}
