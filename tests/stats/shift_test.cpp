#include "lib/stats/shift.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace triage;

namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

std::vector<double> noise(std::size_t count, unsigned seed, double level = 0, double width = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(level, width);
  std::vector<double> values(count);
  for (double& value : values) value = normal(random);
  return values;
}

}  // namespace

TEST_CASE("shift: a step is found where it is, with an interval around it, and gaps are no zeros") {
  auto values = noise(200, 7, 10);
  for (std::size_t i = 120; i < 200; ++i) values[i] += 5;
  for (std::size_t i = 30; i < 60; ++i) values[i] = gap;
  const auto point = stats::change_point(values);
  REQUIRE(point);
  CHECK(point->index >= 118);
  CHECK(point->index <= 122);
  CHECK(point->low <= 120);
  CHECK(point->high >= 120);
  CHECK(point->high - point->low < 20);
  CHECK(point->p_value < 1e-6);
}

TEST_CASE("shift: noise alone changes its level in at most a few of a hundred series") {
  int alarms = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    const auto point = stats::change_point(noise(200, seed));
    if (point && point->p_value < 0.01) ++alarms;
  }
  CHECK(alarms <= 4);
}

TEST_CASE("shift: rises and falls are told apart, a constant series has no shift") {
  const std::vector<double> values{10, 11, 9, 10, 10, 11, 9, 30, 31, 5};
  const auto shift = stats::shift_at(values, 7);
  REQUIRE(shift);
  CHECK(shift->before == 10);
  CHECK(shift->rise > 20);
  CHECK(shift->fall > 4);
  CHECK_FALSE(stats::shift_at(std::vector<double>(20, 3.0), 10));
  CHECK_FALSE(stats::shift_at(std::vector<double>{1, gap, gap, 2, 3}, 3));
}
