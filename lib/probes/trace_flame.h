#pragma once

#include <string>

#include "lib/traces/critical_path.h"
#include "lib/traces/forest.h"

namespace triage::probes::trace {

/// The critical paths of all traces as one flame graph, widths in milliseconds, written by the
/// ending of the name: .svg; .json for speedscope (speedscope.app/file-format-schema.json);
/// otherwise folded stacks, "a;b;c 12", one a line, in microseconds. Throws Error{usage} when the
/// file cannot be written.
void write_flame(const std::string& path, const traces::Forest& forest,
                 const traces::CriticalPaths& paths);

}  // namespace triage::probes::trace
