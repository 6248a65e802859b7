#include "lib/os/socket_owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "lib/base/error.h"
#include "lib/os/sock_diag.h"

namespace triage::os {
namespace {

constexpr int listen_state = 10;  // TCP_LISTEN, net/tcp_states.h

/// Calls `take` with each socket inode of the process; false when it may not be read.
template <class Take>
bool each_socket(const Procfs& procfs, pid_t pid, Take&& take) {
  const std::string path = fmt::format("{}/{}/fd", procfs.root(), pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return errno != EACCES && errno != EPERM;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::array<char, 64> link{};
    const ssize_t length =
        ::readlinkat(::dirfd(directory.get()), static_cast<const char*>(entry->d_name), link.data(),
                     link.size());
    if (length <= 0) continue;
    const auto inode = inode_of_socket_link({link.data(), static_cast<std::size_t>(length)});
    if (inode != 0) take(inode);
  }
  return true;
}

}  // namespace

std::uint32_t inode_of_socket_link(std::string_view link) {
  constexpr std::string_view prefix = "socket:[";
  if (link.substr(0, prefix.size()) != prefix) return 0;
  std::uint32_t inode = 0;
  std::from_chars(link.data() + prefix.size(), link.data() + link.size(), inode);
  return inode;
}

SocketOwners find_socket_owners(const Procfs& procfs, const std::set<std::uint32_t>& inodes,
                                const std::vector<pid_t>& candidates) {
  SocketOwners owners;
  if (inodes.empty()) return owners;
  for (const pid_t pid : candidates.empty() ? procfs.pids() : candidates) {
    const bool readable = each_socket(procfs, pid, [&](std::uint32_t inode) {
      if (inodes.contains(inode)) owners.pid_of_inode.emplace(inode, pid);
    });
    if (!readable) ++owners.unreadable_count;
  }
  return owners;
}

std::vector<pid_t> listeners_of(const Procfs& procfs, std::uint16_t port) {
  std::set<std::uint32_t> inodes;
  InetFilter filter;
  filter.states = 1U << listen_state;
  filter.local_port = port;
  for (const auto& socket : dump_inet(filter))
    if (socket.inode != 0) inodes.insert(socket.inode);
  const SocketOwners owners = find_socket_owners(procfs, inodes);
  std::set<pid_t> pids;
  for (const auto& [inode, pid] : owners.pid_of_inode) pids.insert(pid);
  if (pids.empty() && !inodes.empty() && owners.unreadable_count > 0)
    throw Error(ErrorCode::refused,
                fmt::format("port {} is open, but its owner belongs to another user", port),
                "run the same command with sudo");
  return {pids.begin(), pids.end()};
}

}  // namespace triage::os
