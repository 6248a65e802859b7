#include "lib/stats/permutation_test.h"

#include <doctest/doctest.h>

#include <vector>

using triage::stats::permutation_test;

TEST_CASE("permutation test: a small case agrees with all divisions counted by hand") {
  // of the 20 ways to choose 3 of 6, only one has a sum as large as 4 + 5 + 6
  const std::vector<double> first{1, 2, 3};
  const std::vector<double> second{4, 5, 6};
  CHECK(permutation_test(first, second, 100'000) == doctest::Approx(1.0 / 20).epsilon(0.05));
  CHECK(permutation_test(second, first, 100'000) == doctest::Approx(1.0));
}

TEST_CASE("permutation test: equal values are no difference, and nothing proves nothing") {
  const std::vector<double> same(20, 7.5);
  CHECK(permutation_test(same, same) == 1);
  CHECK(permutation_test({}, same) == 1);
  CHECK(permutation_test(same, {}) == 1);
}

TEST_CASE("permutation test: the same input gives the same answer") {
  const std::vector<double> first{1, 5, 2, 8, 3, 9, 4};
  const std::vector<double> second{2, 6, 3, 9, 4, 9, 5};
  CHECK(permutation_test(first, second) == permutation_test(first, second));
}
