#pragma once

/// Runs another program that only reads, such as journalctl, with limits.
#include <chrono>
#include <string>
#include <vector>

namespace triage::os {

struct ProgramResult {
  enum class End { finished, not_found, timed_out, killed };
  End end = End::finished;
  int status = 0;          ///< its exit status when finished
  std::string error_text;  ///< the start of what it wrote to stderr, at most 2,000 bytes
};

/// `arguments[0]` is looked up in PATH; its output goes to the open file `output`. Blocks until it
/// ended, at most `wall`; it ends with this process. stdin is empty. Throws nothing.
ProgramResult run_program(const std::vector<std::string>& arguments, int output,
                          std::chrono::milliseconds wall);

}  // namespace triage::os
