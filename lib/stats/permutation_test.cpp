#include "lib/stats/permutation_test.h"

#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace triage::stats {

double permutation_test(std::span<const double> first, std::span<const double> second,
                        std::int64_t rounds) {
  if (first.empty() || second.empty()) return 1;
  std::vector<double> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  const double total = std::accumulate(all.begin(), all.end(), 0.0);
  const std::size_t size = second.size();
  // the mean of the second part decides, since the total stays
  const double observed = std::accumulate(second.begin(), second.end(), 0.0);
  const double slack = 1e-12 * (std::abs(total) + 1);  // equal sums differ by rounding
  std::mt19937_64 random(20'080'229);
  std::int64_t as_large = 1;
  for (std::int64_t round = 0; round < rounds; ++round) {
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) {
      // modulo bias of 2^64 over a few hundred values is below 1e-16
      const std::size_t other = i + static_cast<std::size_t>(random() % (all.size() - i));
      std::swap(all[i], all[other]);
      sum += all[i];
    }
    if (sum >= observed - slack) ++as_large;
  }
  return static_cast<double>(as_large) / static_cast<double>(rounds + 1);
}

}  // namespace triage::stats
