#pragma once

/// Stops one thread for as long as the object lives (PTRACE_SEIZE and PTRACE_INTERRUPT, never
/// PTRACE_ATTACH, which sends SIGSTOP). Signals that arrive meanwhile are passed on. If triage dies
/// the kernel lets the thread run on: PTRACE_O_EXITKILL is never set. Source: ptrace(2).
#include <sys/types.h>

#include <chrono>

#include "lib/os/registers.h"

namespace triage::os {

class ThreadStop {
 public:
  /// Waits at most `timeout` for the thread to stop; a thread in an uninterruptible call cannot be.
  /// Throws Error{refused} without permission or when another tracer is attached (it is named),
  /// Error{not_found} when the thread is gone, Error{budget} after the timeout.
  ThreadStop(pid_t pid, pid_t tid, std::chrono::milliseconds timeout);
  ThreadStop(const ThreadStop&) = delete;
  ThreadStop& operator=(const ThreadStop&) = delete;
  ~ThreadStop();

  /// Lets go of threads that stopped only after their timeout; a loop that stops threads calls it
  /// now and then.
  static void release_late();

  [[nodiscard]] const Registers& registers() const { return registers_; }
  /// fs: where the thread-local variables are.
  [[nodiscard]] std::uint64_t thread_pointer() const { return thread_pointer_; }

 private:
  bool wait_for_stop(std::chrono::milliseconds timeout);
  void read_registers();

  pid_t pid_;
  pid_t tid_;
  Registers registers_;
  std::uint64_t thread_pointer_ = 0;
  bool stopped_ = false;
};

/// Who traces the process: the pid of /proc/<pid>/status TracerPid, 0 for nobody.
pid_t tracer_of(pid_t pid);

}  // namespace triage::os
