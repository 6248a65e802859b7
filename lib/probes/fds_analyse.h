#pragma once

#include "lib/probes/fds.h"

namespace triage::probes::fds {

/// From the points of the counts and the two listings; nothing for a single look.
std::optional<Growth> growth_of(const ProcessSample& process);
/// Peers, listeners, states and CLOSE_WAIT of the process's sockets.
void count_sockets(const ProcessSample& process, Result& result);
/// Adds the findings to the envelope of `result`.
void judge(const ProcessSample& process, Result& result);

}  // namespace triage::probes::fds
