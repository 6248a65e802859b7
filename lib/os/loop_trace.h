#pragma once

/// Every iteration of an event loop, from the kernel's tracepoints on epoll, with the times at
/// which its thread did not run. Nothing in the target is changed or stopped.
///
///     LoopTracer tracer;                  // finds the tracepoints
///     LoopTrace trace = tracer.attach(tid);
///     trace.drain([&](const LoopEvent& event) { ... });
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/os/perf_ring.h"

namespace triage::os {

struct LoopEvent {
  enum class Kind {
    wait_enter,   ///< the thread enters epoll_wait, epoll_pwait or epoll_pwait2
    wait_exit,    ///< it leaves it
    preempted,    ///< it is taken off the CPU although it could run on
    blocked,      ///< it gives the CPU up: it waits, sleeps or is stopped
    resumed,      ///< it is on a CPU again
    thread_exit,  ///< the thread ends
    exec,         ///< the process runs another program from here on
    lost,         ///< records were lost: `value` of them
  };
  Kind kind = Kind::lost;
  std::int64_t time_ns = 0;     ///< CLOCK_MONOTONIC
  int fd = -1;                  ///< wait_enter: the epoll descriptor
  std::int64_t timeout_ms = 0;  ///< wait_enter: -1 for ever
  std::int64_t value = 0;       ///< lost: records
  std::int64_t faults = -1;     ///< wait_enter: page faults since the attach; -1: not counted
  std::int64_t major_faults = -1;
};

/// One thread's events and their ring.
class LoopTrace {
 public:
  /// Calls `use` for each event since the last call, oldest first.
  void drain(const std::function<void(const LoopEvent&)>& use);

 private:
  friend class LoopTracer;
  enum class Source { enter, exit, enter_pwait2, other };
  LoopTrace(std::vector<Fd> events, std::vector<std::pair<std::uint64_t, Source>> sources,
            PerfRing ring)
      : events_(std::move(events)), sources_(std::move(sources)), ring_(std::move(ring)) {}
  [[nodiscard]] Source source_of(std::uint64_t id) const;

  std::vector<Fd> events_;
  std::vector<std::pair<std::uint64_t, Source>> sources_;
  PerfRing ring_;
};

/// Knows this kernel's tracepoints. Throws Error{refused} when they cannot be reached.
class LoopTracer {
 public:
  LoopTracer();
  [[nodiscard]] const std::string& source() const { return source_; }
  /// Throws Error{refused}, or Error{not_found} when the thread has ended.
  [[nodiscard]] LoopTrace attach(pid_t tid) const;

 private:
  struct Point {
    int id = 0;
    LoopTrace::Source source = LoopTrace::Source::other;
  };
  std::vector<Point> points_;
  std::string source_;
};

}  // namespace triage::os
