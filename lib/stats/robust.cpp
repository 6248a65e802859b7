#include "lib/stats/robust.h"

#include <algorithm>
#include <cmath>

namespace triage::stats {
namespace {

constexpr std::size_t most_points = 1000;
constexpr double two_sided_95 = 1.959964;

double interpolate(std::span<const double> sorted, double p) {
  const double position = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

struct Pairs {
  std::vector<double> slopes;  ///< sorted
  std::size_t points = 0;
};

Pairs slopes_of(std::span<const double> x, std::span<const double> y) {
  const std::size_t count = std::min(x.size(), y.size());
  const std::size_t step = (count + most_points - 1) / most_points;
  Pairs pairs;
  for (std::size_t i = 0; i < count; i += step) {
    ++pairs.points;
    for (std::size_t j = i + step; j < count; j += step)
      if (x[j] != x[i]) pairs.slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
  }
  std::sort(pairs.slopes.begin(), pairs.slopes.end());
  return pairs;
}

}  // namespace

std::optional<double> quantile(std::span<const double> values, double p) {
  if (values.empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return interpolate(sorted, p);
}

std::optional<double> median(std::span<const double> values) {
  return quantile(values, 0.5);
}

std::optional<double> robust_deviation(std::span<const double> values) {
  const auto middle = median(values);
  if (!middle) return std::nullopt;
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double value : values) distances.push_back(std::abs(value - *middle));
  return 1.4826 * *median(distances);
}

std::optional<Line> theil_sen(std::span<const double> x, std::span<const double> y) {
  const Pairs pairs = slopes_of(x, y);
  if (pairs.points < 3 || pairs.slopes.empty()) return std::nullopt;
  Line line;
  line.slope = interpolate(pairs.slopes, 0.5);
  std::vector<double> rest;
  const std::size_t count = std::min(x.size(), y.size());
  rest.reserve(count);
  for (std::size_t i = 0; i < count; ++i) rest.push_back(y[i] - line.slope * x[i]);
  line.intercept = *median(rest);
  // Kendall's S has this variance without ties; its quantile says how many slopes lie outside.
  const auto n = static_cast<double>(pairs.points);
  const double half = two_sided_95 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  const auto all = static_cast<double>(pairs.slopes.size());
  line.slope_low = interpolate(pairs.slopes, 0.5 - half / all);
  line.slope_high = interpolate(pairs.slopes, 0.5 + half / all);
  return line;
}

}  // namespace triage::stats
