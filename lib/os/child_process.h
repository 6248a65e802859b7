#pragma once

/// Runs a function in a child process with limits: for library code that cannot be interrupted or
/// that may abort. The child sees a copy of this process; only its text comes back.
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace triage::os {

struct ChildLimits {
  std::chrono::milliseconds wall{5'000};
  std::chrono::seconds cpu{5};  ///< RLIMIT_CPU
  /// On top of what the parent maps (RLIMIT_AS); not under a sanitizer, which maps at will.
  std::uint64_t memory_bytes = 1ULL << 30U;
};

struct ChildResult {
  enum class End {
    finished,   ///< the function returned
    timed_out,  ///< the wall or CPU limit was reached
    killed,     ///< it died of a signal: out of memory, an assertion, a crash
    failed,     ///< no child could be started, or the function threw; `why` says what
  };
  End end = End::failed;
  std::string output;  ///< all that was emitted, also when it did not finish
  std::string why;     ///< one line; empty when finished
};

/// Hands text to the parent at once.
using Emit = std::function<void(std::string_view)>;

/// Blocks until the child ended; a child is never left behind. `work` must not start threads, and
/// what it prints is thrown away. Never throws.
ChildResult run_bounded(const ChildLimits& limits, const std::function<void(const Emit&)>& work);

}  // namespace triage::os
