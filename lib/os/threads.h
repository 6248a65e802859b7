#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// A thread as /proc/<pid>/task shows it.
struct ThreadInfo {
  pid_t tid = 0;
  std::string name;  ///< comm
  char state = '?';  ///< R S D T Z ...
};

/// Ascending by thread id. Threads that end meanwhile are left out. Throws like Procfs.
std::vector<ThreadInfo> threads_of(const Procfs& procfs, pid_t pid);

/// What /proc/<pid>/task/<tid>/syscall says: "232 0xd 0x7f.. .. 0x7ffd.. 0x7f..", or "running",
/// or "-1 0x7ffd.. 0x7f.." for a thread that is blocked outside of a system call.
struct SyscallState {
  bool running = false;
  std::int64_t number = -1;  ///< of the architecture's table; -1: none
  std::array<std::uint64_t, 6> arguments{};
  std::uint64_t stack_pointer = 0;
  std::uint64_t program_counter = 0;
};

/// Nothing when the text has another form.
std::optional<SyscallState> parse_syscall(std::string_view text);
/// Throws Error{refused} without the right to trace the process.
SyscallState read_syscall(const Procfs& procfs, pid_t pid, pid_t tid);
/// "futex", "epoll_pwait", ... of the numbers in which a Node.js thread is met; else "syscall 17".
std::string syscall_name(std::int64_t number);

}  // namespace triage::os
