#pragma once

#include <sys/types.h>

#include <string>

#include "lib/os/threads.h"

namespace triage::os {

/// For what a thread waits in the kernel, in words of the system call interface.
struct ThreadWait {
  std::string call;    ///< "read", "page fault", "stopped"
  std::string object;  ///< path, "tcp 10.0.0.7:5432", "child 4130 (sh -c ls)"; or empty
};

/// Resolves the arguments of the call: descriptors through /proc/<pid>/fd, paths by reading the
/// process's memory, sockets through the kernel's list, waiting for a child by /proc's children.
/// What cannot be read is left out. `state` as in ThreadInfo.
ThreadWait describe_wait(pid_t pid, pid_t tid, const SyscallState& call, char state);

/// The epoll descriptor of the main loop of a Node.js process whose libuv cannot be found in
/// memory, by elimination: Node.js 18 to 24 open one that nobody waits on, that of the platform's
/// timer thread, the main loop's, and only then those of workers and nested loops. -1 without any.
int main_epoll_fd(pid_t pid);

/// Whether the call waits on an epoll descriptor.
bool is_epoll_wait(const SyscallState& call);

}  // namespace triage::os
