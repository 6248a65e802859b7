#include "lib/stats/growth_shape.h"

#include <algorithm>
#include <array>

namespace triage::stats {
namespace {

constexpr std::size_t fewest_points = 5;

bool has_spikes(std::span<const double> y, double noise) {
  const double high = *quantile(y, 0.8);
  const double low = *std::min_element(y.begin(), y.end());
  const double usual = std::max(high - low, noise);
  const auto above = std::count_if(y.begin(), y.end(), [&](double v) { return v > high + usual; });
  return above > 0 && y.back() <= high + usual;
}

std::ptrdiff_t falls(std::span<const double> y, double step) {
  std::ptrdiff_t count = 0;
  double top = y.front();
  for (const double value : y) {
    top = std::max(top, value);
    if (top - value < step) continue;
    ++count;
    top = value;
  }
  return count;
}

}  // namespace

std::string_view name_of(GrowthShape shape) {
  constexpr std::array<std::string_view, 6> names{"unknown",  "flat",     "warming",
                                                  "climbing", "sawtooth", "spikes"};
  return names.at(static_cast<std::size_t>(shape));
}

GrowthShape growth_shape(std::span<const double> x, std::span<const double> y, double noise) {
  const std::size_t count = std::min(x.size(), y.size());
  if (count < fewest_points) return GrowthShape::unknown;
  x = x.first(count);
  y = y.first(count);
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const double range = *high - *low;
  if (range <= noise) return GrowthShape::flat;
  if (has_spikes(y, noise)) return GrowthShape::spikes;
  if (falls(y, range / 2) >= 2) return GrowthShape::sawtooth;
  const auto line = theil_sen(x, y);
  if (!line || line->slope_low <= 0) return GrowthShape::flat;
  const std::size_t third = count / 3;
  const double begin = y[count - third - 1] - y.front();
  const double begin_time = x[count - third - 1] - x.front();
  const double end = y.back() - y[count - third - 1];
  const double end_time = x.back() - x[count - third - 1];
  if (begin_time <= 0 || end_time <= 0) return GrowthShape::climbing;
  return end / end_time >= begin / begin_time / 3 ? GrowthShape::climbing : GrowthShape::warming;
}

}  // namespace triage::stats
