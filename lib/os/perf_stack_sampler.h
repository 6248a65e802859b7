#pragma once

/// Samples of one thread while it is on a CPU: its registers and a copy of its stack, taken by the
/// kernel's software event cpu-clock, also inside of a system call where the kernel allows that
/// (kernel.perf_event_paranoid below 2, or CAP_PERFMON). The thread is never stopped. Needs
/// CAP_PERFMON or a permissive kernel.perf_event_paranoid, and the right to trace the process.
/// Source: perf_event_open(2).
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "lib/os/fd.h"
#include "lib/os/perf_ring.h"
#include "lib/os/registers.h"

namespace triage::os {

struct PerfStackSample {
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC
  pid_t tid = 0;
  Registers registers;
  std::span<const std::byte> stack;  ///< from registers.sp() upward; valid during the callback
};

class PerfStackSampler {
 public:
  struct Settings {
    std::uint32_t frequency = 99;            ///< samples per second of CPU time
    std::uint32_t stack_bytes = 32U << 10U;  ///< copied per sample; at most 64 KiB - 8
    bool start_enabled = true;
  };
  /// Throws Error{refused} with the remedy when the kernel forbids it, Error{not_found} when the
  /// thread is gone.
  PerfStackSampler(pid_t tid, const Settings& settings);
  PerfStackSampler(const PerfStackSampler&) = delete;
  PerfStackSampler& operator=(const PerfStackSampler&) = delete;
  ~PerfStackSampler() = default;

  void enable() const;
  void disable() const;
  /// Readable when a sample waits: for poll(2).
  [[nodiscard]] int fd() const { return event_.get(); }
  /// Hands out the samples that wait; their number.
  std::size_t drain(const std::function<void(const PerfStackSample&)>& use);
  /// Samples that the kernel dropped because nobody drained.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  Fd event_;
  PerfRing ring_;
  std::uint64_t lost_ = 0;
};

}  // namespace triage::os
