#pragma once

/// libjq, at arm's length: a program runs in a child process with limits, because a running jq
/// program cannot be interrupted and its library aborts on some inputs.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace triage::diagnose {

struct JqLimits {
  std::chrono::seconds cpu{6};  ///< what ends an endless program, however busy the machine is
  std::chrono::milliseconds wall{60'000};
  std::uint64_t memory_bytes = 1ULL << 30U;
};

struct JqAnswer {
  enum class End {
    done,
    syntax,     ///< the program does not compile
    timed_out,  ///< it ran longer than the limit
    failed,     ///< out of memory, crashed, or no child could be started
  };
  End end = End::failed;
  std::string why;  ///< when not done: one line
  /// Per input the results (JSON texts) in their order; when not done, those that were there
  /// before the end.
  std::vector<std::vector<std::string>> outputs;
};

/// Compiles `program` once and runs it on each input (JSON texts); without inputs it is only
/// compiled. Numbers are doubles: ids must be strings.
JqAnswer run_jq(const std::string& program, const std::vector<std::string>& inputs,
                const JqLimits& limits);

/// One answer per program, without running any; for finding which one does not compile. `done`
/// programs have an empty `why`.
std::vector<std::string> compile_each(const std::vector<std::string>& programs,
                                      const JqLimits& limits);

}  // namespace triage::diagnose
