#pragma once

#include <vector>

#include "lib/traces/critical_path.h"
#include "lib/traces/facts.h"
#include "lib/traces/forest.h"

namespace triage::traces {

/// The same call (operation and statement or peer) at least 5 times below one parent, one after the
/// other: N+1 queries and calls in loops.
std::vector<RepeatedCall> repeated_calls(const Forest& forest);
/// Different calls of one parent that ran one after the other though nothing shows that one needs
/// the other: reads and requests only, no statement that writes or holds a transaction.
std::vector<SequentialCalls> sequential_calls(const Forest& forest);
/// Attempts of one call: equal siblings of which all but the last failed, or spans that the
/// instrumentation marks as sent again.
std::vector<RetryRow> retries(const Forest& forest);
/// Failed spans without a failed child that blocks them: where failures begin.
std::vector<FailureOrigin> failure_origins(const Forest& forest);
/// Calls whose callee left no span though the same call has one elsewhere: lost spans.
std::int64_t count_lost_callees(const Forest& forest);
/// Where requests wait without a span that says so. `paths` gives the share of critical paths.
std::vector<WaitRow> waits(const Forest& forest, const CriticalPaths& paths);

}  // namespace triage::traces
