#pragma once

#include <optional>
#include <span>
#include <vector>

namespace triage::stats {

/// Order statistics and robust estimators. Pure functions; an empty input gives nothing, never 0.

/// The `p`-quantile (0..1) with linear interpolation between order statistics (Hyndman and Fan,
/// "Sample Quantiles in Statistical Packages", 1996, definition 7, as R and NumPy default to).
std::optional<double> quantile(std::span<const double> values, double p);
std::optional<double> median(std::span<const double> values);

/// Median absolute deviation times 1.4826: the standard deviation of a normal distribution.
std::optional<double> robust_deviation(std::span<const double> values);

/// A straight line through points, with the interval of its slope.
struct Line {
  double slope = 0;      ///< per unit of x
  double intercept = 0;  ///< y at x = 0
  double slope_low = 0;  ///< 95 % confidence interval of the slope
  double slope_high = 0;
};

/// Theil-Sen: the median of the slopes of all pairs; interval after Sen, "Estimates of the
/// Regression Coefficient Based on Kendall's Tau", 1968. Nothing for fewer than three points or
/// when all x are equal. Above 1,000 points every k-th is used, since pairs grow with the square.
std::optional<Line> theil_sen(std::span<const double> x, std::span<const double> y);

}  // namespace triage::stats
