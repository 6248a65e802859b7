#pragma once

#include <span>
#include <string_view>

#include "lib/stats/robust.h"

namespace triage::stats {

/// The word for how a quantity moves over time.
enum class GrowthShape { unknown, flat, warming, climbing, sawtooth, spikes };
std::string_view name_of(GrowthShape shape);

/// `noise`: changes up to so much are none. In this order:
///   unknown   fewer than 5 points
///   flat      highest and lowest differ by no more than `noise`
///   spikes    a fifth of the points or less lie above the rest by more than the rest varies, and
///             the last does not
///   sawtooth  it falls two times or more by over half of its range
///   climbing  the 95 % interval of the Theil-Sen slope is above 0, and the last third grows at
///   half
///             the speed of the first two or more
///   warming   the same interval, with a last third that is slower
///   flat      otherwise
GrowthShape growth_shape(std::span<const double> x, std::span<const double> y, double noise);

}  // namespace triage::stats
