#pragma once

#include <cstdint>
#include <vector>

#include "lib/traces/forest.h"

namespace triage::traces {

/// The clocks of two hosts that disagree.
struct ClockOffset {
  TextIndex from = TextPool::empty;  ///< host (or instance) of the callers
  TextIndex to = TextPool::empty;    ///< host of the callees, whose spans were moved
  std::int64_t offset_ns = 0;        ///< added to the callees' times
  std::int64_t calls = 0;
};

/// A callee cannot start before its caller sent the call, and where the call went well it has ended
/// before its caller. Where that does not hold on another host by more than 2 ms (OpenTelemetry's
/// Node SDK starts spans at whole milliseconds) the clocks differ. Each call between two hosts
/// gives a lower and an upper bound of the offset; the middle of the tightest (95th and 5th
/// percentile) is added to the callees. Late starts need 95 % of at least 5 good calls to end after
/// their callers: a single late callee proves nothing, a blocked event loop looks the same, and
/// counts as waiting. Spans without a known host are never moved.
std::vector<ClockOffset> correct_clock_skew(Forest& forest);

/// Calls whose callee still starts before its caller, on hosts that are not known to differ.
std::int64_t count_impossible_order(const Forest& forest);

}  // namespace triage::traces
