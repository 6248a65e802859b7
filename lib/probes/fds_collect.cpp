#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>
#include <unordered_map>

#include "lib/base/clock.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"
#include "lib/os/target.h"
#include "lib/probes/fds.h"

namespace triage::probes::fds {
namespace {

using SocketsByInode = std::unordered_map<std::uint32_t, os::InetSocket>;

SocketsByInode dump_sockets(Session& session) {
  SocketsByInode sockets;
  for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    os::InetFilter filter;
    filter.protocol = protocol;
    for (auto& socket : os::dump_inet(filter))
      if (socket.inode != 0) sockets.emplace(socket.inode, std::move(socket));
  }
  session.touch({"kernel socket list", "sock_diag, tcp and udp", 1, 0});
  return sockets;
}

SocketSample to_sample(const os::InetSocket& socket) {
  const bool tcp = socket.protocol == IPPROTO_TCP;
  return {
      tcp ? "tcp" : "udp",  tcp ? std::string(os::tcp_state_name(socket.state)) : std::string("-"),
      socket.local_address, socket.local_port,
      socket.peer_address,  socket.peer_port,
      socket.receive_queue, socket.send_queue};
}

void add_descriptor(Sample& sample, const os::Descriptor& descriptor,
                    const SocketsByInode& sockets) {
  std::string kind = os::kind_of_link(descriptor.link);
  if (kind == "socket") {
    const auto found = sockets.find(os::inode_of_socket_link(descriptor.link));
    if (found != sockets.end()) {
      sample.sockets.push_back(to_sample(found->second));
      kind += " " + sample.sockets.back().protocol;
    } else {
      // Unix sockets, sockets that are neither bound nor connected, other network namespaces.
      kind += " unix or other";
    }
  }
  if (kind == "file" || kind == "deleted file" || kind == "device") ++sample.paths[descriptor.link];
  ++sample.kinds[kind];
}

/// "Max open files            1024                 524288               files"
std::optional<std::int64_t> limit_of(const std::string& limits, int column) {
  constexpr std::string_view label = "Max open files";
  std::size_t at = limits.find(label);
  if (at == std::string::npos) return std::nullopt;
  at += label.size();
  for (int i = 0; i <= column; ++i) {
    at = limits.find_first_not_of(' ', at);
    if (at == std::string::npos) return std::nullopt;
    if (i < column) at = limits.find(' ', at);
  }
  std::int64_t value = 0;
  const auto result = std::from_chars(limits.data() + at, limits.data() + limits.size(), value);
  // "unlimited" is no number: there is no limit to run into.
  return result.ec == std::errc() ? std::optional(value) : std::nullopt;
}

/// /proc/sys/fs/file-nr: "1824\t0\t9223372036854775807\n"
void read_system(const os::Procfs& procfs, Sample& sample) {
  const auto text =
      attempt(sample.gaps, "system_open_count", [&] { return procfs.read_file("sys/fs/file-nr"); });
  if (!text) return;
  std::int64_t open = 0;
  std::int64_t max = 0;
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data(), end, open).ec == std::errc()) sample.system_open_count = open;
  const std::size_t last = text->rfind('\t');
  if (last != std::string::npos &&
      std::from_chars(text->data() + last + 1, end, max).ec == std::errc())
    sample.system_max_count = max;
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "fds: no target given",
                "name a process: triage fds 4127, name:server.js or port:3000");
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  const pid_t pid = process.id.pid;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = pid;
  session.progress(fmt::format("reading the descriptors of {}", sample.target));
  sample.open_count = os::count_descriptors(procfs, pid);
  const auto descriptors =
      attempt(sample.gaps, "by_kind", [&] { return os::read_descriptors(procfs, process.id); });
  procfs.check_same(process.id);
  if (descriptors) {
    sample.listed = true;
    sample.open_count = static_cast<std::int64_t>(descriptors->size());
    const auto dump = attempt(sample.gaps, "peers", [&] { return dump_sockets(session); });
    sample.sockets_known = dump.has_value();
    const SocketsByInode none;
    const SocketsByInode& sockets = dump ? *dump : none;
    for (const auto& descriptor : *descriptors) add_descriptor(sample, descriptor, sockets);
  }
  if (const auto limits =
          attempt(sample.gaps, "soft_limit_count", [&] { return procfs.read(pid, "limits"); })) {
    sample.soft_limit_count = limit_of(*limits, 0);
    sample.hard_limit_count = limit_of(*limits, 1);
  }
  read_system(procfs, sample);
  session.touch({fmt::format("/proc/{}", pid), "stat, cmdline, fd, limits", 1, 0});
  return sample;
}

}  // namespace triage::probes::fds
