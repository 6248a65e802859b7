#pragma once

#include "lib/os/procfs.h"
#include "lib/probes/fds_sample.h"

namespace triage::probes::fds {

/// Fills in what the kernel knows of the sockets among `sample.descriptors`: by sock_diag in the
/// network namespace of the process; when that may not be joined, by its /proc/<pid>/net, which
/// lacks rtt and the peers of unix sockets. Names the kinds of the sockets.
void read_sockets(const os::Procfs& procfs, ProcessSample& sample);

/// The local processes at the other end of loopback and unix connections; looks into all processes.
void find_peer_owners(const os::Procfs& procfs, ProcessSample& sample);

}  // namespace triage::probes::fds
