#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// Which processes hold which of these sockets, by reading /proc/<pid>/fd. Processes that may not
/// be looked into are skipped and counted.
struct SocketOwners {
  std::map<std::uint32_t, pid_t> pid_of_inode;  ///< the lowest pid when several share a socket
  std::int64_t unreadable_count = 0;  ///< processes whose descriptors are not ours to read
};

/// `candidates` empty: all processes. Throws nothing for processes that end meanwhile.
SocketOwners find_socket_owners(const Procfs& procfs, const std::set<std::uint32_t>& inodes,
                                const std::vector<pid_t>& candidates = {});

/// Processes with a TCP socket that listens on `port`, ascending.
std::vector<pid_t> listeners_of(const Procfs& procfs, std::uint16_t port);

/// "socket:[4711]" -> 4711; 0 for anything else.
std::uint32_t inode_of_socket_link(std::string_view link);

}  // namespace triage::os
