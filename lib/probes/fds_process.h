#pragma once

#include "lib/os/procfs.h"
#include "lib/probes/fds_sample.h"

namespace triage {
class Session;
}

namespace triage::probes::fds {

/// One full look at one process. `owners`: ask all processes who holds the other ends; else only
/// its parent and its children are asked, for pipes.
ProcessSample read_process(const os::Procfs& procfs, const os::ProcessInfo& process, bool owners,
                           Session& session);

}  // namespace triage::probes::fds
