#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/report/report.h"

namespace triage {

/// The rectangle of values that a plot shows; `empty` without one finite point.
struct PlotScale {
  double x_low = std::numeric_limits<double>::infinity();
  double x_high = -std::numeric_limits<double>::infinity();
  double y_low = std::numeric_limits<double>::infinity();
  double y_high = -std::numeric_limits<double>::infinity();

  [[nodiscard]] bool empty() const { return x_low > x_high || y_low > y_high; }
  /// 0..1 from left to right, from bottom to top.
  [[nodiscard]] double x(double value) const { return (value - x_low) / (x_high - x_low); }
  [[nodiscard]] double y(double value) const { return (value - y_low) / (y_high - y_low); }
};

/// All points, the baseline and a limit that is near; the y axis starts at 0 unless the values fill
/// only a small part of it.
inline PlotScale scale_of(const Plot& plot) {
  PlotScale scale;
  const auto include_y = [&](double y) {
    scale.y_low = std::min(scale.y_low, y);
    scale.y_high = std::max(scale.y_high, y);
  };
  for (const auto& series : plot.series) {
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
      if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) continue;
      scale.x_low = std::min(scale.x_low, series.x[i]);
      scale.x_high = std::max(scale.x_high, series.x[i]);
      include_y(series.y[i]);
    }
  }
  if (scale.empty()) return scale;
  if (plot.baseline && std::isfinite(*plot.baseline)) include_y(*plot.baseline);
  // A limit far above would flatten the curve; then it is named in the title only.
  if (plot.limit && std::isfinite(*plot.limit) && *plot.limit < 3 * scale.y_high)
    include_y(*plot.limit);
  if (scale.y_low > 0 && scale.y_low < 0.75 * scale.y_high) scale.y_low = 0;
  if (scale.y_low == scale.y_high) {
    scale.y_low -= scale.y_low == 0 ? 0 : std::abs(scale.y_low) / 2;
    scale.y_high += scale.y_high == 0 ? 1 : std::abs(scale.y_high) / 2;
  }
  if (scale.x_low == scale.x_high) scale.x_high += 1;
  return scale;
}

inline std::string x_label(const Plot& plot, double x) {
  return plot.x_unit.empty() ? to_time_of_day(from_epoch_seconds(x))
                             : format_quantity(x, plot.x_unit);
}

}  // namespace triage
