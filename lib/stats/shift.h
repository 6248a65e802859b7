#pragma once

/// What changed, and when: robust shifts of series and the place of a change. NaN is a gap: it is
/// passed over, never counted as 0.
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace triage::stats {

/// How far a series went from what it was before.
struct Shift {
  double before = 0;       ///< median
  double after = 0;        ///< median
  double after_high = 0;   ///< largest value, after a gap-free look at all of them
  double after_low = 0;    ///< smallest
  double scale = 0;        ///< robust deviation before, floored
  double rise = 0;         ///< (largest after - before) / scale
  double fall = 0;         ///< (before - smallest after) / scale
  double median_move = 0;  ///< (after - before) / scale, signed
};

/// The shift of `values` at index `split`. The scale is the interquartile range / 1.349 (a normal
/// distribution's deviation) but at least `floor` and 1e-3 of the median, so that a series that
/// never moved does not become infinite. Nothing with fewer than four values before or one after,
/// and for a constant series.
std::optional<Shift> shift_at(std::span<const double> values, std::size_t split, double floor = 0);

/// A change of level within one series.
struct ChangePoint {
  std::size_t index = 0;  ///< first value of the new level
  std::size_t low = 0;    ///< 95 % interval of the index, by the profile likelihood on ranks
  std::size_t high = 0;
  double p_value = 1;  ///< of no change at all
};

/// Pettitt, "A Non-Parametric Approach to the Change-Point Problem", 1979: where the rank sums of
/// the two sides differ most. Nothing below eight values.
std::optional<ChangePoint> change_point(std::span<const double> values);

/// One start for many series: the index from..to at which the most of what they moved is explained.
/// Each series gives the share of the variance of its ranks that a split there explains, times how
/// far it moved (robust deviations, at most 20), so that no single series decides.
std::size_t common_onset(std::span<const std::vector<double>> series, std::size_t from,
                         std::size_t to);

}  // namespace triage::stats
