#include "lib/stats/rank_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace triage::stats {

double mann_whitney(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<std::pair<double, bool>> all;
  all.reserve(a.size() + b.size());
  for (const double value : a) all.emplace_back(value, true);
  for (const double value : b) all.emplace_back(value, false);
  std::sort(all.begin(), all.end());
  double rank_sum = 0;  // of a
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    double of_a = 0;
    while (end < all.size() && all[end].first == all[i].first) of_a += all[end++].second ? 1 : 0;
    const auto equal = static_cast<double>(end - i);
    rank_sum += of_a * (static_cast<double>(i + end + 1) / 2);
    ties += equal * equal * equal - equal;
    i = end;
  }
  const auto m = static_cast<double>(a.size());
  const auto n = static_cast<double>(b.size());
  const double u = rank_sum - m * (m + 1) / 2;
  const double variance = m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1)));
  if (!(variance > 0)) return 1;
  const double distance = std::max(std::abs(u - m * n / 2) - 0.5, 0.0);
  return std::erfc(distance / std::sqrt(2 * variance));
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double highest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double factor = static_cast<double>(order.size() - i);
    highest = std::max(highest, std::min(1.0, p_values[order[i]] * factor));
    adjusted[order[i]] = highest;
  }
  return adjusted;
}

}  // namespace triage::stats
