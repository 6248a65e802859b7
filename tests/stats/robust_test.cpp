#include "lib/stats/robust.h"

#include <doctest/doctest.h>

#include <vector>

using triage::stats::median;
using triage::stats::quantile;
using triage::stats::robust_deviation;
using triage::stats::theil_sen;

TEST_CASE("robust: quantiles interpolate between neighbours") {
  const std::vector<double> values{4, 1, 3, 2};
  CHECK(median(values) == 2.5);
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 1) == 4);
  CHECK(quantile(values, 0.9).value() == doctest::Approx(3.7));
  CHECK_FALSE(median({}).has_value());
}

TEST_CASE("robust: one outlier does not move the deviation") {
  CHECK(robust_deviation(std::vector<double>{1, 2, 3, 4, 5}).value() ==
        robust_deviation(std::vector<double>{1, 2, 3, 4, 5000}).value());
}

TEST_CASE("robust: Theil-Sen finds the slope in spite of outliers, and an interval around it") {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < 50; ++i) {
    x.push_back(i);
    y.push_back(3.0 * i + 7 + (i % 2 == 0 ? 0.5 : -0.5));
  }
  y[10] = 9999;
  const auto line = theil_sen(x, y).value();
  CHECK(line.slope == doctest::Approx(3).epsilon(0.01));
  CHECK(line.intercept == doctest::Approx(7).epsilon(0.1));
  CHECK(line.slope_low <= 3);
  CHECK(line.slope_high >= 3);
  CHECK(line.slope_high - line.slope_low < 0.2);
}

TEST_CASE("robust: Theil-Sen says nothing of two points or of one moment") {
  CHECK_FALSE(theil_sen(std::vector<double>{1, 2}, std::vector<double>{1, 2}).has_value());
  CHECK_FALSE(theil_sen(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}).has_value());
}
