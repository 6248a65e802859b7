#pragma once

#include <cstdint>
#include <vector>

#include "lib/traces/forest.h"

namespace triage::traces {

/// A span on a critical path and the part of the trace's time that nothing below it explains.
struct PathStep {
  SpanIndex span = none;
  SpanIndex parent_step = none;  ///< index of the step above, none at the root
  std::int64_t own_ns = 0;
  std::int64_t from_ns = 0;  ///< the interval of the span that is on the path
  std::int64_t to_ns = 0;
};

/// The chain of spans that decided how long the root took, walked backwards from its end: children
/// are cut to their parent's interval; the child that ends last before the cursor is on the path,
/// and the cursor moves to its start. A child may overlap its successor by 1 % of the parent's time
/// (clocks differ) and still counts as its predecessor. What does not block its parent
/// (FOLLOWS_FROM; the consumer of a message) is not on the path. The method is that of CRISP (Zhang
/// et al., USENIX ATC 2022). The own times of all steps add up to the root's duration, but for such
/// overlaps. Steps come parents first.
std::vector<PathStep> critical_path(const Forest& forest, SpanIndex root);

/// Whether the parent waits for this child.
bool blocks_parent(const Forest& forest, SpanIndex child);

/// The part of a span during which none of its children ran.
std::int64_t self_time_ns(const Forest& forest, SpanIndex span);

/// All paths, one behind the other.
struct CriticalPaths {
  std::vector<PathStep> steps;     ///< parent_step counts within `steps`
  std::vector<std::size_t> first;  ///< of each trace, and one more
};
CriticalPaths critical_paths(const Forest& forest);

}  // namespace triage::traces
