#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace triage::probes::logs {

/// For each skeleton the template that it belongs to, as text with parameter_mark. Skeletons with
/// equal answers are one template. The order of the skeletons does not matter.
std::vector<std::string> merged_skeletons(const std::vector<std::string>& skeletons);

}  // namespace triage::probes::logs
