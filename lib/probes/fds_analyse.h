#pragma once

#include "lib/probes/fds.h"

namespace triage::probes::fds {

/// "unix:/run/x.sock", "unix clients of /run/x.sock", "unix pair": the peer of a connected socket.
std::string unix_peer_of(const SocketSample& socket);
/// The limits that the process and its host can run into, from figures that `result` has.
std::vector<Limit> limits_of(const ProcessSample& process, const Result& result);
/// The code that opened descriptors while it was watched, and what is left of it.
std::vector<Opener> openers_of(const ProcessSample& process);
/// From the points of the counts and the two listings; nothing for a single look.
std::optional<Growth> growth_of(const ProcessSample& process);
/// Peers, listeners, states and CLOSE_WAIT of the process's sockets.
void count_sockets(const ProcessSample& process, Result& result);
/// Adds the findings to the envelope of `result`.
void judge(const ProcessSample& process, Result& result);

}  // namespace triage::probes::fds
