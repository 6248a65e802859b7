#pragma once

/// The numbers of kernel tracepoints, which perf_event_open wants. They differ per kernel.
#include <map>
#include <string>
#include <vector>

namespace triage::os {

struct TracepointIds {
  /// "syscalls/sys_enter_epoll_pwait" -> number; names that this kernel lacks are left out.
  std::map<std::string, int> ids;
  std::string source;  ///< the directory, or how it was reached
};

/// Reads events/<name>/id below /sys/kernel/tracing or /sys/kernel/debug/tracing (tracefs(5)).
/// Where tracefs is not mounted, a child process mounts it in a mount namespace of its own: nothing
/// stays mounted, no other process sees it. Throws Error{refused} when none of them is readable.
TracepointIds find_tracepoints(const std::vector<std::string>& names);

}  // namespace triage::os
