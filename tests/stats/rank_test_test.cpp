#include "lib/stats/rank_test.h"

#include <doctest/doctest.h>

#include <vector>

TEST_CASE("rank test: agrees with an example worked by hand, with ties and continuity") {
  const std::vector<double> a{1, 2, 3, 4, 5, 6, 7};
  const std::vector<double> b{4, 5, 6, 7, 8, 9, 10};
  // ranks of a: 1 2 3 4.5 6.5 8.5 10.5, U = 8; four ties of two: variance 49/12 (15 - 24/182);
  // z = (16.5 - 0.5) / 7.7917 = 2.0535
  CHECK(triage::stats::mann_whitney(a, b) == doctest::Approx(0.04003).epsilon(0.001));
  CHECK(triage::stats::mann_whitney(a, a) == doctest::Approx(1));
  CHECK(triage::stats::mann_whitney({}, b) == 1);
  const std::vector<double> same(5, 3);
  CHECK(triage::stats::mann_whitney(same, same) == 1);
}

TEST_CASE("rank test: Holm keeps the order of its input") {
  const std::vector<double> p{0.04, 0.01, 0.03};
  const auto adjusted = triage::stats::holm(p);
  CHECK(adjusted[0] == doctest::Approx(0.06));
  CHECK(adjusted[1] == doctest::Approx(0.03));
  CHECK(adjusted[2] == doctest::Approx(0.06));
}

TEST_CASE("rank test: Mann-Whitney gives the published p-value, ties corrected") {
  // scipy.stats.mannwhitneyu([19,22,16,29,24], [20,11,17,12], method="asymptotic") = 0.1113
  const std::vector<double> a{19, 22, 16, 29, 24};
  const std::vector<double> b{20, 11, 17, 12};
  CHECK(triage::stats::mann_whitney(a, b) == doctest::Approx(0.11134688653314041).epsilon(1e-6));
  CHECK(triage::stats::mann_whitney(a, a) == doctest::Approx(1));
  CHECK(triage::stats::mann_whitney(a, {}) == 1);
}
