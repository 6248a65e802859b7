#pragma once

#include <cstdint>
#include <vector>

#include "lib/traces/critical_path.h"
#include "lib/traces/facts.h"
#include "lib/traces/forest.h"

namespace triage::traces {

/// The part of a path step before its callee started, when the step is a call into another process:
/// it is the callee's (or the network's) time, though only the caller's span shows it. 0 otherwise.
struct BeforeCallee {
  SpanIndex callee = none;
  std::int64_t ns = 0;
};
BeforeCallee before_callee(const Forest& forest, const std::vector<PathStep>& steps,
                           const std::vector<SpanIndex>& callee_step, std::size_t step);
/// For each step the step of the one callee in another process, or none.
std::vector<SpanIndex> callee_steps(const Forest& forest, const std::vector<PathStep>& steps);

/// Traces with a span to judge them by.
std::int64_t usable_traces(const Forest& forest);
std::vector<EntryRow> entries(const Forest& forest);
/// Critical paths, shares and self times; most time on critical paths first.
std::vector<OperationRow> operations(const Forest& forest, const CriticalPaths& paths);
std::vector<DependencyRow> dependencies(const Forest& forest);
/// Slow traces against normal ones of each entry point with at least 15 traces: slow are those of
/// `slow_from_ms` and longer, or the longest 5 % (at least 5) when that is 0; normal are those up
/// to the median.
std::vector<Comparison> compare_slow(const Forest& forest, const CriticalPaths& paths,
                                     double slow_from_ms);
/// All traces of `now` against all of `then`, by entry point.
std::vector<Comparison> compare_sets(const Forest& now, const CriticalPaths& now_paths,
                                     const Forest& then, const CriticalPaths& then_paths);

}  // namespace triage::traces
