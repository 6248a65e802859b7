#pragma once

#include <span>
#include <vector>

namespace triage::stats {

/// Two-sided p-value of the Mann-Whitney U test: could both samples come from one distribution?
/// Normal approximation with the correction for ties and for continuity (Mann and Whitney, "On a
/// Test of Whether one of Two Random Variables is Stochastically Larger than the Other", 1947);
/// good from 5 values each on; all must be numbers. 1 when a sample is empty or all values are
/// equal.
double mann_whitney(std::span<const double> a, std::span<const double> b);

/// Adjusts p-values for being several: Holm, "A Simple Sequentially Rejective Multiple Test
/// Procedure", 1979. In the order of the input.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace triage::stats
