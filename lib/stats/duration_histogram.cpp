#include "lib/stats/duration_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace triage::stats {

/// Below 2^sub_bits every value has a bucket; above, the leading bits choose the doubling and the
/// next sub_bits the bucket in it.
std::size_t DurationHistogram::index_of(std::int64_t duration_ns) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0));
  const auto width = static_cast<int>(std::bit_width(value));
  if (width <= sub_bits) return static_cast<std::size_t>(value);
  const int shift = width - 1 - sub_bits;
  const std::size_t index = (static_cast<std::size_t>(shift + 1) << sub_bits) +
                            static_cast<std::size_t>((value >> shift) - (1U << sub_bits));
  return std::min(index, size - 1);
}

double DurationHistogram::upper_bound_ns(std::int64_t index) {
  const std::int64_t per = 1LL << sub_bits;
  if (index < per) return static_cast<double>(index);
  const std::int64_t shift = index / per - 1;
  return std::ldexp(static_cast<double>(per + index % per + 1), static_cast<int>(shift)) - 1;
}

void DurationHistogram::add(std::int64_t duration_ns) {
  const std::int64_t value = std::max<std::int64_t>(duration_ns, 0);
  const std::size_t index = index_of(value);
  ++counts_[index];
  totals_ns_[index] += value;
  ++count_;
  total_ns_ += value;
}

void DurationHistogram::add(const Bucket& bucket) {
  const auto index = static_cast<std::size_t>(
      std::clamp<std::int64_t>(bucket.index, 0, static_cast<std::int64_t>(size) - 1));
  counts_[index] += bucket.count;
  totals_ns_[index] += bucket.total_ns;
  count_ += bucket.count;
  total_ns_ += bucket.total_ns;
}

std::vector<DurationHistogram::Bucket> DurationHistogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::size_t i = 0; i < size; ++i)
    if (counts_[i] > 0) filled.push_back({static_cast<std::int64_t>(i), counts_[i], totals_ns_[i]});
  return filled;
}

double DurationHistogram::quantile_ns(double q) const {
  if (count_ == 0) return 0;
  const auto rank =
      std::max<std::int64_t>(1, std::llround(std::ceil(q * static_cast<double>(count_))));
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < size; ++i) {
    seen += counts_[i];
    if (seen >= rank) return static_cast<double>(totals_ns_[i]) / static_cast<double>(counts_[i]);
  }
  return 0;
}

double DurationHistogram::time_above_ns(double x_ns) const {
  double above = 0;
  for (std::size_t i = 0; i < size; ++i)
    if (counts_[i] > 0)
      above += std::max(
          0.0, static_cast<double>(totals_ns_[i]) - static_cast<double>(counts_[i]) * x_ns);
  return above;
}

double DurationHistogram::wait_quantile_ns(double q, double wall_ns) const {
  const double allowed = (1 - q) * wall_ns;
  if (time_above_ns(0) <= allowed) return 0;
  double low = 0;
  double high = upper_bound_ns(static_cast<std::int64_t>(size) - 1);
  for (int step = 0; step < 80 && high - low > 1000; ++step) {
    const double middle = (low + high) / 2;
    (time_above_ns(middle) > allowed ? low : high) = middle;
  }
  return high;
}

}  // namespace triage::stats
