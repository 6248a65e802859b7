#pragma once

#include "lib/os/procfs.h"
#include "lib/probes/fds_sample.h"

namespace triage {
class Session;
}

namespace triage::probes::fds {

/// What is looked at beyond the usual.
struct Depth {
  bool owners = false;  ///< all processes: who holds the other ends; else parent and children
  bool flags = false;   ///< the flags of every descriptor, not of a sample
};

/// One full look at one process.
ProcessSample read_process(const os::Procfs& procfs, const os::ProcessInfo& process,
                           const Depth& depth, Session& session);

}  // namespace triage::probes::fds
