#pragma once

#include <string>
#include <vector>

#include "lib/v8/heap_paths.h"

namespace triage::probes {

/// The first characters, without cutting one in two and without control characters.
std::string beginning(const std::string& text);

/// "cache: Map @815" per step; the middle of a long way is left out.
std::vector<std::string> path_texts(const v8::HeapSnapshot& snapshot,
                                    const std::vector<v8::PathStep>& steps);

}  // namespace triage::probes
