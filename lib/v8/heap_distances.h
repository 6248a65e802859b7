#pragma once

#include <cstdint>

#include "lib/v8/heap_graph.h"

namespace triage::v8 {

/// From here on a distance is that of what only V8's own roots reach; the rest is the length.
inline constexpr std::uint32_t system_distance = 100'000'000;

/// Length of the shortest way from the roots of the program to each node, as DevTools counts it
/// (HeapSnapshot.ts, calculateDistances): 1 for the global objects; what they do not reach counts
/// from V8's roots, plus system_distance; what nothing reaches has the largest number.
Column<std::uint32_t> find_distances(const HeapSnapshot& snapshot);

}  // namespace triage::v8
