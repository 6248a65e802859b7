#pragma once

/// Durations in constant memory: 32 buckets per doubling, each with its count and its sum, so that
/// a quantile is off by 2 % at most and totals are exact.
///
/// The delay of an event loop is a matter of time, not of iterations: a request that arrives at a
/// random moment of an iteration that lasts d waits for the rest of it, evenly spread over 0..d.
/// Hence the share of the wall time in which a new request would have waited longer than x is
/// the sum of max(0, d - x) over all iterations, divided by the wall time.
#include <array>
#include <cstdint>
#include <vector>

namespace triage::stats {

class DurationHistogram {
 public:
  /// Filled buckets only, for documents.
  struct Bucket {
    std::int64_t index = 0;
    std::int64_t count = 0;
    std::int64_t total_ns = 0;
  };

  void add(std::int64_t duration_ns);  ///< negative counts as 0
  void add(const Bucket& bucket);      ///< an index out of range is put into the nearest bucket

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t total_ns() const { return total_ns_; }
  [[nodiscard]] std::vector<Bucket> buckets() const;
  /// Of the durations themselves, q in 0..1; 0 without any.
  [[nodiscard]] double quantile_ns(double q) const;
  /// Sum of max(0, d - x) over all durations.
  [[nodiscard]] double time_above_ns(double x_ns) const;
  /// The wait that a request at a random moment of `wall_ns` stays below with probability q.
  [[nodiscard]] double wait_quantile_ns(double q, double wall_ns) const;
  /// The largest duration that falls into the bucket.
  static double upper_bound_ns(std::int64_t index);

 private:
  static constexpr int sub_bits = 5;
  static constexpr std::size_t size = 44U << sub_bits;  ///< up to 2^48 ns, three days

  static std::size_t index_of(std::int64_t duration_ns);

  std::array<std::int64_t, size> counts_{};
  std::array<std::int64_t, size> totals_ns_{};
  std::int64_t count_ = 0;
  std::int64_t total_ns_ = 0;
};

}  // namespace triage::stats
