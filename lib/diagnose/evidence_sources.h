#pragma once

/// Where the figures of an evidence come from.
#include <map>
#include <string>
#include <vector>

#include "lib/base/json.h"
#include "lib/diagnose/jq_text.h"
#include "lib/diagnose/result.h"

namespace triage::diagnose {

/// The probes that an expression reads, each once, in the order of its text.
std::vector<std::string> probes_of(const std::vector<PathUse>& reads);

/// The sources of what is read, from the `provenance` of the probes' documents, with the figures
/// that are read and not all that the source gave: of a source for "/signatures" an expression that
/// reads one signature has "/signatures/pool.acquire_timeout".
std::vector<SourceFacts> sources_of(const std::vector<PathUse>& reads,
                                    const std::map<std::string, Json>& documents);

}  // namespace triage::diagnose
