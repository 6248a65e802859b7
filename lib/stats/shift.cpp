#include "lib/stats/shift.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace triage::stats {
namespace {

constexpr double normal_iqr = 1.349;
constexpr double most_votes = 20;
constexpr double chi_square_95 = 3.841;

std::vector<double> known(std::span<const double> values) {
  std::vector<double> out;
  out.reserve(values.size());
  for (const double value : values)
    if (std::isfinite(value)) out.push_back(value);
  return out;
}

/// The p-quantile of `values`, which are reordered: linear time instead of a sort.
double take_quantile(std::vector<double>& values, double p) {
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), middle, values.end());
  const double low = *middle;
  if (below + 1 >= values.size()) return low;
  const double high = *std::min_element(middle + 1, values.end());
  return low + (position - static_cast<double>(below)) * (high - low);
}

struct Spread {
  double median = 0;
  double iqr = 0;
};

Spread spread_of(std::vector<double>& values) {
  const double low = take_quantile(values, 0.25);
  const double middle = take_quantile(values, 0.5);
  return {middle, take_quantile(values, 0.75) - low};
}

/// Ranks from 1, ties get their mean; `tie_sum` is the sum of t^3 - t over groups of ties.
std::vector<double> ranks_of(std::span<const double> values, double& tie_sum) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  tie_sum = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
    const auto ties = static_cast<double>(j - i);
    tie_sum += ties * ties * ties - ties;
    for (std::size_t k = i; k < j; ++k) ranks[order[k]] = static_cast<double>(i + j + 1) / 2;
    i = j;
  }
  return ranks;
}

/// The finite values of a series, where they stand, and what a split of their ranks explains.
struct Profile {
  std::vector<std::size_t> places;
  std::vector<double> ranks;
  double total = 0;               ///< sum of squares of the centred ranks
  std::vector<double> sums;       ///< of centred ranks before k
  std::vector<double> explained;  ///< sum of squares that a split before the k-th explains
};

Profile profile_of(std::span<const double> values) {
  Profile profile;
  std::vector<double> finite;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i])) {
      profile.places.push_back(i);
      finite.push_back(values[i]);
    }
  double ties = 0;
  profile.ranks = ranks_of(finite, ties);
  const auto n = static_cast<double>(finite.size());
  const double mean = (n + 1) / 2;
  for (const double rank : profile.ranks) profile.total += (rank - mean) * (rank - mean);
  profile.sums.resize(finite.size());
  profile.explained.resize(finite.size());
  double sum = 0;
  for (std::size_t k = 1; k < finite.size(); ++k) {
    sum += profile.ranks[k - 1] - mean;
    const auto first = static_cast<double>(k);
    profile.sums[k] = sum;
    profile.explained[k] = sum * sum * (1 / first + 1 / (n - first));
  }
  return profile;
}

void add_votes(std::span<const double> values, std::vector<double>& votes) {
  const Profile profile = profile_of(values);
  if (profile.ranks.size() < 8 || profile.total == 0) return;
  const auto best = std::max_element(profile.explained.begin(), profile.explained.end());
  const auto shift =
      shift_at(values, profile.places[static_cast<std::size_t>(best - profile.explained.begin())]);
  if (!shift) return;
  const double weight = std::min(most_votes, std::abs(shift->median_move)) / profile.total;
  // A gap belongs to the split behind it: nobody knows what happened in it.
  for (std::size_t k = 1; k < profile.places.size(); ++k)
    for (std::size_t place = profile.places[k - 1] + 1; place <= profile.places[k]; ++place)
      votes[place] += weight * profile.explained[k];
}

}  // namespace

std::optional<Shift> shift_at(std::span<const double> values, std::size_t split, double floor) {
  split = std::min(split, values.size());
  std::vector<double> before = known(values.first(split));
  std::vector<double> after = known(values.subspan(split));
  if (before.size() < 4 || after.empty()) return std::nullopt;
  Shift shift;
  const auto [low, high] = std::minmax_element(after.begin(), after.end());
  shift.after_low = *low;
  shift.after_high = *high;
  const auto [before_low, before_high] = std::minmax_element(before.begin(), before.end());
  if (std::min(*before_low, *low) == std::max(*before_high, *high)) return std::nullopt;
  const Spread spread = spread_of(before);
  shift.before = spread.median;
  shift.after = take_quantile(after, 0.5);
  shift.scale = std::max({spread.iqr / normal_iqr, floor, std::abs(spread.median) * 1e-3});
  // A series that stood still at 0 has no spread to measure by: its own size is the yardstick.
  if (shift.scale == 0)
    shift.scale = std::max(
        {*before_high - *before_low, std::abs(*high) / most_votes, std::abs(*low) / most_votes});
  shift.rise = (shift.after_high - shift.before) / shift.scale;
  shift.fall = (shift.before - shift.after_low) / shift.scale;
  shift.median_move = (shift.after - shift.before) / shift.scale;
  return shift;
}

std::optional<ChangePoint> change_point(std::span<const double> values) {
  const Profile profile = profile_of(values);
  const std::size_t count = profile.ranks.size();
  if (count < 8 || profile.total == 0) return std::nullopt;
  const auto n = static_cast<double>(count);
  std::size_t best = 1;
  for (std::size_t k = 1; k < count; ++k)
    if (std::abs(profile.sums[k]) > std::abs(profile.sums[best])) best = k;
  ChangePoint point;
  point.index = profile.places[best];
  // Pettitt's K is twice the largest sum of centred ranks.
  const double largest = profile.sums[best];
  point.p_value = std::min(1.0, 2 * std::exp(-6 * 4 * largest * largest / (n * n * n + n * n)));
  // What a split leaves unexplained gives the likelihood.
  const double rest = std::max(profile.total - profile.explained[best], profile.total * 1e-9);
  const double limit = rest * std::exp(chi_square_95 / n);
  std::size_t low = best;
  std::size_t high = best;
  for (std::size_t k = 1; k < count; ++k) {
    if (profile.total - profile.explained[k] > limit) continue;
    low = std::min(low, k);
    high = std::max(high, k);
  }
  // No scrape tells what happened since the one before.
  point.low = profile.places[low - 1];
  point.high = profile.places[high];
  return point;
}

std::size_t common_onset(std::span<const std::vector<double>> series, std::size_t from,
                         std::size_t to) {
  std::size_t length = 0;
  for (const auto& values : series) length = std::max(length, values.size());
  std::vector<double> votes(length + 1);
  for (const auto& values : series) add_votes(values, votes);
  to = std::min(to, length);
  if (from >= to) return from;
  const auto first = votes.begin() + static_cast<std::ptrdiff_t>(from);
  const auto last = votes.begin() + static_cast<std::ptrdiff_t>(to) + 1;
  return static_cast<std::size_t>(std::max_element(first, last) - votes.begin());
}

}  // namespace triage::stats
