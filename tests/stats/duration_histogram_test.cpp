#include "lib/stats/duration_histogram.h"

#include <doctest/doctest.h>

#include <cmath>

using triage::stats::DurationHistogram;

namespace {

constexpr std::int64_t ms = 1'000'000;

}  // namespace

TEST_CASE("duration histogram: quantiles are within 2 % over nine decades") {
  for (std::int64_t value = 100; value < 100'000'000'000; value = value * 7 / 3) {
    DurationHistogram histogram;
    histogram.add(value);
    histogram.add(value * 1000);
    CHECK(histogram.quantile_ns(0.5) == doctest::Approx(static_cast<double>(value)).epsilon(0.02));
  }
}

TEST_CASE("duration histogram: one long iteration among many short ones dominates the waits") {
  DurationHistogram histogram;
  for (int i = 0; i < 999; ++i) histogram.add(ms / 10);
  histogram.add(500 * ms);
  CHECK(histogram.quantile_ns(0.99) < 1.0 * ms);
  // of 1 s, half is the stall; a request in it waits between 0 and 500 ms
  const double wall = 1000.0 * ms;
  CHECK(histogram.time_above_ns(250.0 * ms) / wall == doctest::Approx(0.25).epsilon(0.02));
  CHECK(histogram.wait_quantile_ns(0.9, wall) == doctest::Approx(400.0 * ms).epsilon(0.02));
  CHECK(histogram.wait_quantile_ns(0.2, wall) == 0);
}

TEST_CASE("duration histogram: its buckets give the same histogram again") {
  DurationHistogram one;
  for (std::int64_t i = 1; i < 5000; ++i) one.add(i * i * 1000);
  DurationHistogram other;
  for (const auto& bucket : one.buckets()) other.add(bucket);
  CHECK(other.count() == one.count());
  CHECK(other.total_ns() == one.total_ns());
  CHECK(other.quantile_ns(0.7) == one.quantile_ns(0.7));
  other.add({99999, 1, 5});
  CHECK(other.count() == one.count() + 1);
}

TEST_CASE("duration histogram: empty, zero and negative are no trouble") {
  DurationHistogram histogram;
  CHECK(histogram.quantile_ns(0.5) == 0);
  CHECK(histogram.wait_quantile_ns(0.99, 1e9) == 0);
  histogram.add(0);
  histogram.add(-5);
  CHECK(histogram.count() == 2);
  CHECK(histogram.total_ns() == 0);
}
