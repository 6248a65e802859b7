#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// One open descriptor: its number and what /proc/<pid>/fd/<n> links to.
struct Descriptor {
  int number = 0;
  std::string link;  ///< "socket:[4711]", "pipe:[12]", "anon_inode:[eventfd]", "/var/log/app.log"
};

/// Lists the descriptors with one readlinkat each. Descriptors closed since the listing are left
/// out: not a fact any more. Throws Error{refused} without the right to look into the process and
/// Error{not_found} when it has ended.
std::vector<Descriptor> read_descriptors(const Procfs& procfs, const ProcessIdentity& id);

/// The number of open descriptors, readable for any process: st_size of /proc/<pid>/fd
/// (fs/proc/fd.c, Linux 6.2 and later). Nothing on older kernels, which say 0.
std::optional<std::int64_t> count_descriptors(const Procfs& procfs, pid_t pid);

/// "TCP", "UDP", "UNIX-STREAM", "NETLINK", ...: what a socket is that no list of the kernel has
/// (xattr system.sockprotoname, net/socket.c). Empty when it cannot be told.
std::string protocol_of_socket(const Procfs& procfs, pid_t pid, int number);

/// "file", "deleted file", "device", "socket", "pipe", "eventfd", "epoll", ... for a link text.
std::string kind_of_link(const std::string& link);

}  // namespace triage::os
