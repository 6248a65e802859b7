#pragma once

/// Files of one thread that are read over and over while it is observed.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/os/fd.h"
#include "lib/os/threads.h"

namespace triage::os {

/// /proc/<pid>/task/<tid>/schedstat: "<on CPU> <waiting for a CPU> <slices>", in nanoseconds.
struct ThreadSchedule {
  std::int64_t cpu_ns = 0;
  std::int64_t wait_ns = 0;
};
std::optional<ThreadSchedule> parse_schedstat(std::string_view text);

/// Keeps the files open. A read gives nothing when the thread has ended or may not be looked into.
class ThreadFiles {
 public:
  ThreadFiles(pid_t pid, pid_t tid);
  [[nodiscard]] std::optional<SyscallState> call() const;
  [[nodiscard]] std::optional<ThreadSchedule> schedule() const;
  [[nodiscard]] char state() const;  ///< as in ThreadInfo; '?' when unknown

 private:
  Fd call_;
  Fd schedule_;
  Fd stat_;
};

}  // namespace triage::os
