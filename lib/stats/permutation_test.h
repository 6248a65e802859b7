#pragma once

#include <cstdint>
#include <span>

namespace triage::stats {

/// One-sided p-value that the mean of `second` lies above that of `first` by chance alone: the
/// share of `rounds` random divisions of all values whose difference is at least as large (Phipson
/// and Smyth, "Permutation P-values Should Never Be Zero", 2010: the observed division counts as
/// one). The sequence of divisions is fixed: same input, same answer. 1 when a sample is empty.
double permutation_test(std::span<const double> first, std::span<const double> second,
                        std::int64_t rounds = 10'000);

}  // namespace triage::stats
