#pragma once

#include <string>
#include <vector>

namespace triage {

/// The whole program: parses, runs, prints. Returns the exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace triage
