#pragma once

#include <functional>

#include "lib/os/procfs.h"

namespace triage::os {

/// Whether the process lives in the network namespace of triage. Throws Error{refused} or
/// Error{not_found}.
bool shares_network(const Procfs& procfs, pid_t pid);

/// Runs `work` in the network namespace of the process: at once when it is the own one, else in a
/// thread that has joined it (setns(2) is per thread). What `work` throws is thrown here. Throws
/// Error{refused} without CAP_SYS_ADMIN.
void in_network_of(const Procfs& procfs, pid_t pid, const std::function<void()>& work);

}  // namespace triage::os
