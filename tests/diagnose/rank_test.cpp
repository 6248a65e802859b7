#include "lib/diagnose/rank.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace triage::diagnose;  // NOLINT(google-build-using-namespace): one unit, many names

namespace {

Evidence evidence(const std::string& id, Strengths when_true, Strengths when_false = {},
                  const std::string& group = {}) {
  Evidence value;
  value.id = id;
  value.when_true = std::move(when_true);
  value.when_false = std::move(when_false);
  value.group = group;
  return value;
}

Hypothesis hypothesis(const std::string& id, double prior = 1) {
  Hypothesis value;
  value.id = id;
  value.prior = prior;
  return value;
}

Runbook runbook(std::vector<Evidence> evidence) {
  Runbook value;
  value.evidence = std::move(evidence);
  value.hypotheses = {hypothesis("a"), hypothesis("b"), hypothesis("none")};
  value.steps.resize(1);
  value.steps[0].id = "pg";
  return value;
}

double share(const Ranking& ranking, const std::string& id) {
  for (const auto& score : ranking.scores)
    if (score.id == id) return score.share;
  return -1;
}

}  // namespace

TEST_CASE("rank: strengths are likelihood ratios and shares follow Bayes") {
  const Runbook book = runbook({evidence("e", {{"a", 3}, {"b", 1}})});
  const Ranking ranking = rank(book, {{{"e", State::yes}}, {}});
  CHECK(share(ranking, "a") == doctest::Approx(30.0 / 34));
  CHECK(share(ranking, "b") == doctest::Approx(3.0 / 34));
  CHECK(ranking.scores.front().id == "a");
  CHECK(ranking.word == "likely");
}

TEST_CASE("rank: unknown moves nothing") {
  const Runbook book = runbook({evidence("e", {{"a", 3}}, {{"a", -3}})});
  CHECK(share(rank(book, {}), "a") == doctest::Approx(1.0 / 3));
  CHECK(rank(book, {}).scores.front().moved_by.empty());
}

TEST_CASE("rank: of a group only the largest step counts, each direction for itself") {
  const Runbook book =
      runbook({evidence("e", {{"a", 1}}, {}, "full"), evidence("f", {{"a", 2}}, {}, "full"),
               evidence("g", {}, {{"a", -1}}, "full")});
  const View view{{{"e", State::yes}, {"f", State::yes}, {"g", State::no}}, {}};
  CHECK(share(rank(book, view), "a") == doctest::Approx((10.0 / 3) / (10.0 / 3 + 2)));
}

TEST_CASE("rank: none in front is never a cause") {
  const Runbook book = runbook({evidence("e", {{"a", 3}}, {{"a", -3}, {"b", -3}})});
  const Ranking ranking = rank(book, {{{"e", State::no}}, {}});
  CHECK(ranking.scores.front().id == "none");
  CHECK(ranking.word == "inconclusive");
}

TEST_CASE("rank: confirmed needs twenty times the next, not only a large share") {
  Runbook book = runbook({evidence("e", {{"a", 3}}), evidence("f", {{"a", 3}})});
  const View view{{{"e", State::yes}, {"f", State::yes}}, {}};
  CHECK(rank(book, view).word == "confirmed");
  book.hypotheses[1].prior = 50;
  CHECK(rank(book, view).word == "likely");
}

TEST_CASE("rank: a missing probe caps the word and says why") {
  Runbook book = runbook({evidence("e", {{"a", 3}}), evidence("f", {{"a", 3}})});
  book.caps = {{"pg", "possible", "the database was not asked"}};
  const View view{{{"e", State::yes}, {"f", State::yes}}, {"pg"}};
  CHECK(rank(book, view).word == "possible");
  CHECK(rank(book, view).capped_by == std::vector<std::string>{"the database was not asked"});
}

TEST_CASE("rank: rests_on names the probe whose loss changes the verdict") {
  const Runbook book = runbook({evidence("e", {{"a", 3}})});
  const Ranking ranking = rank(book, {{{"e", State::yes}}, {}});
  const auto rests = rests_on(book, ranking, {{"pg", View{{}, {"pg"}}}});
  REQUIRE(rests.size() == 1);
  CHECK(rests[0].probe == "pg");
  CHECK(rests[0].word == "inconclusive");
  CHECK(rests_on(book, ranking, {{"pg", View{{{"e", State::yes}}, {}}}}).empty());
}

TEST_CASE("rank: what would settle it is ordered by how far it moves the leaders") {
  const Runbook book = runbook({evidence("small", {{"a", 1}}), evidence("large", {{"b", 3}}),
                                evidence("same", {{"a", 1}, {"b", 1}})});
  const View view{};
  const auto settlers = would_settle(book, view, rank(book, view));
  REQUIRE(settlers.size() == 2);
  CHECK(settlers[0].evidence == "large");
  CHECK(settlers[0].spread == doctest::Approx(std::log(30.0)));
  CHECK(settlers[1].evidence == "small");
}
