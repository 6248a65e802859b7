#include "lib/os/inspector_signal.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "lib/base/error.h"
#include "lib/os/fd.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"

namespace triage::os {
namespace {

constexpr int listen_state = 10;  // TCP_LISTEN, net/tcp_states.h

/// The rest of the line that begins with `key`, without leading white space.
std::string_view line_after(std::string_view text, std::string_view key) {
  std::size_t at = text.find(key);
  while (at != std::string_view::npos && at != 0 && text[at - 1] != '\n')
    at = text.find(key, at + 1);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  text = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

double uptime_s(const Procfs& procfs) {
  const std::string text = procfs.read_file("uptime");
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// A process in its first second may not have its handler yet: then the signal would end it.
void wait_until_started(const Procfs& procfs, const ProcessIdentity& id) {
  const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const double age_s = uptime_s(procfs) - static_cast<double>(id.start_ticks) / ticks;
  if (age_s < 1) std::this_thread::sleep_for(std::chrono::duration<double>(1 - age_s));
}

}  // namespace

bool catches_signal(std::string_view status, int signal) {
  const std::string_view mask = line_after(status, "SigCgt:");
  std::uint64_t bits = 0;
  std::from_chars(mask.data(), mask.data() + mask.size(), bits, 16);
  return ((bits >> static_cast<unsigned>(signal - 1)) & 1U) != 0;
}

void send_inspector_signal(const Procfs& procfs, const ProcessIdentity& id) {
  // The descriptor pins the process before the checks: what is checked is what is signalled.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!process)
    throw Error(ErrorCode::not_found,
                fmt::format("process {} cannot be signalled: {}", id.pid, std::strerror(errno)));
  wait_until_started(procfs, id);
  procfs.check_same(id);
  if (!catches_signal(procfs.read(id.pid, "status"), SIGUSR1))
    throw Error(ErrorCode::refused,
                fmt::format("process {} does not catch SIGUSR1: the signal would end it", id.pid),
                "it is no Node.js process, or it runs with --disable-sigusr1; start it with "
                "--inspect=127.0.0.1:0 to allow an inspector");
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGUSR1, nullptr, 0) != 0)
    throw Error(
        errno == EPERM ? ErrorCode::refused : ErrorCode::not_found,
        fmt::format("SIGUSR1 to process {}: {}", id.pid, std::strerror(errno)),
        errno == EPERM ? "run the same command as the owner of the process, or with sudo" : "");
}

std::vector<std::uint16_t> listening_ports(const Procfs& procfs, pid_t pid) {
  InetFilter filter;
  filter.states = 1U << listen_state;
  std::set<std::uint32_t> inodes;
  const std::vector<InetSocket> sockets = dump_inet(filter);
  for (const auto& socket : sockets)
    if (socket.inode != 0) inodes.insert(socket.inode);
  const SocketOwners owners = find_socket_owners(procfs, inodes, {pid});
  std::set<std::uint16_t> ports;
  for (const auto& socket : sockets)
    if (owners.pid_of_inode.contains(socket.inode)) ports.insert(socket.local_port);
  return {ports.begin(), ports.end()};
}

pid_t innermost_pid(std::string_view status, pid_t pid) {
  const std::string_view line = line_after(status, "NSpid:");
  const std::size_t last = line.find_last_of(" \t");
  const std::string_view word = last == std::string_view::npos ? line : line.substr(last + 1);
  std::from_chars(word.data(), word.data() + word.size(), pid);
  return pid;
}

}  // namespace triage::os
