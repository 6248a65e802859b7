#include "lib/probes/fds_process.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/session.h"
#include "lib/os/descriptor_holders.h"
#include "lib/os/descriptor_info.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/lines.h"
#include "lib/os/network_namespace.h"
#include "lib/os/proc_net.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"
#include "lib/os/target.h"

namespace triage::probes::fds {
namespace {

constexpr double ms_per_s = 1000;
constexpr int close_wait_state = 8;
constexpr int listen_state = 10;

/// What the kernel lists of the sockets of one process.
struct Sockets {
  std::unordered_map<std::uint32_t, os::InetSocket> inet;
  std::unordered_map<std::uint32_t, os::UnixSocket> unix_domain;
  std::map<std::string, std::int64_t> destinations;  ///< peer bytes and port -> sockets
  std::optional<std::int64_t> local_ports;
};

/// "32768\t60999\n" of ip_local_port_range
std::optional<std::int64_t> port_span(const std::string& text) {
  const auto words = os::words_of(std::string_view(text).substr(0, text.find('\n')));
  std::int64_t low = 0;
  std::int64_t high = 0;
  if (words.size() < 2) return std::nullopt;
  std::from_chars(words[0].data(), words[0].data() + words[0].size(), low);
  std::from_chars(words[1].data(), words[1].data() + words[1].size(), high);
  return high > low ? std::optional(high - low + 1) : std::nullopt;
}

/// A destination as the kernel's bytes: cheap to count for every socket of the host.
std::string destination_key(std::string_view bytes, std::uint16_t port) {
  std::string key(bytes);
  key += static_cast<char>(port >> 8U);
  key += static_cast<char>(port & 0xFFU);
  return key;
}

std::string destination_key(const os::InetSocket& socket) {
  std::string bytes(16, '\0');
  ::inet_pton(socket.family, socket.peer_address.c_str(), bytes.data());
  return destination_key(bytes, socket.peer_port);
}

void dump_all(const std::unordered_set<std::uint32_t>& inodes, const os::Procfs& procfs,
              Sockets& sockets) {
  for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    os::InetFilter filter;
    filter.protocol = protocol;
    filter.health = true;
    const auto wanted = [&](const os::InetHead& head) {
      if (protocol == IPPROTO_TCP && head.peer_port != 0)
        ++sockets.destinations[destination_key(head.peer_bytes, head.peer_port)];
      return inodes.contains(head.inode);
    };
    for (auto& socket : os::dump_inet(filter, wanted))
      sockets.inet.emplace(socket.inode, std::move(socket));
  }
  for (auto& socket : os::dump_unix([&](std::uint32_t inode) { return inodes.contains(inode); }))
    sockets.unix_domain.emplace(socket.inode, std::move(socket));
  sockets.local_ports = port_span(procfs.read_file("sys/net/ipv4/ip_local_port_range"));
}

void parse_all(const os::Procfs& procfs, pid_t pid, Sockets& sockets) {
  constexpr std::array<std::pair<const char*, int>, 4> files{{{"net/tcp", IPPROTO_TCP},
                                                              {"net/tcp6", IPPROTO_TCP},
                                                              {"net/udp", IPPROTO_UDP},
                                                              {"net/udp6", IPPROTO_UDP}}};
  for (const auto& [file, protocol] : files)
    for (auto& socket : os::parse_proc_inet(procfs.read(pid, file), protocol))
      sockets.inet.emplace(socket.inode, std::move(socket));
  for (auto& socket : os::parse_proc_unix(procfs.read(pid, "net/unix")))
    sockets.unix_domain.emplace(socket.inode, std::move(socket));
}

/// By sock_diag in the network namespace of the process; when that may not be joined, by its
/// /proc/<pid>/net, which lacks rtt and peers.
std::optional<Sockets> read_sockets(const os::Procfs& procfs, pid_t pid,
                                    const std::unordered_set<std::uint32_t>& inodes,
                                    ProcessSample& sample) {
  std::vector<Gap> joining;
  const auto dumped = attempt(joining, "peers", [&] {
    Sockets sockets;
    sample.network = os::shares_network(procfs, pid) ? "own" : "joined";
    os::in_network_of(procfs, pid, [&] { dump_all(inodes, procfs, sockets); });
    return sockets;
  });
  if (dumped) return dumped;
  return attempt(sample.gaps, "peers", [&] {
    Sockets sockets;
    sample.network = "proc";
    parse_all(procfs, pid, sockets);
    return sockets;
  });
}

SocketSample to_sample(std::int64_t number, const os::InetSocket& socket) {
  const bool tcp = socket.protocol == IPPROTO_TCP;
  SocketSample sample;
  sample.number = number;
  sample.protocol = tcp ? "tcp" : "udp";
  sample.state = tcp ? std::string(os::tcp_state_name(socket.state)) : std::string("-");
  sample.local_address = socket.local_address;
  sample.local_port = socket.local_port;
  sample.peer_address = socket.peer_address;
  sample.peer_port = socket.peer_port;
  sample.receive_queue = socket.receive_queue;
  sample.send_queue = socket.send_queue;
  sample.retransmits_now = socket.retransmits;
  if (tcp && socket.state == listen_state && socket.drops) sample.drops_count = *socket.drops;
  if (!socket.tcp || socket.state == listen_state) return sample;
  sample.rtt_ms = socket.tcp->rtt_ms;
  sample.retransmits_count = socket.tcp->retransmits_total;
  sample.quiet_s =
      std::min(socket.tcp->last_data_sent_ms, socket.tcp->last_data_received_ms) / ms_per_s;
  if (socket.state == close_wait_state)
    sample.closed_s = socket.tcp->last_ack_received_ms / ms_per_s;
  return sample;
}

SocketSample to_sample(std::int64_t number, const os::UnixSocket& socket) {
  SocketSample sample;
  sample.number = number;
  sample.protocol = "unix";
  sample.state = socket.state == 1 ? "CONNECTED" : std::string(os::tcp_state_name(socket.state));
  sample.receive_queue = socket.receive_queue;
  sample.send_queue = socket.send_queue;
  sample.path = socket.path;
  return sample;
}

/// "TCPv6" -> "tcp"; what is in no list of the kernel is neither bound nor connected.
std::string lone_socket_kind(const os::Procfs& procfs, pid_t pid, int number) {
  std::string name = os::protocol_of_socket(procfs, pid, number);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return name.empty() ? "socket" : name + " (unbound)";
}

void join_sockets(const os::Procfs& procfs, pid_t pid, const Sockets& sockets,
                  ProcessSample& sample) {
  for (auto& descriptor : sample.descriptors) {
    const std::uint32_t inode = os::inode_of_socket_link(descriptor.link);
    if (inode == 0) continue;
    if (const auto inet = sockets.inet.find(inode); inet != sockets.inet.end()) {
      sample.sockets.push_back(to_sample(descriptor.number, inet->second));
      const auto& socket = sample.sockets.back();
      const auto used = sockets.destinations.find(destination_key(inet->second));
      if (socket.protocol == "tcp" && used != sockets.destinations.end())
        sample.destinations[fmt::format("{}:{}", socket.peer_address, socket.peer_port)] =
            used->second;
    } else if (const auto local = sockets.unix_domain.find(inode);
               local != sockets.unix_domain.end()) {
      sample.sockets.push_back(to_sample(descriptor.number, local->second));
    } else {
      descriptor.kind = lone_socket_kind(procfs, pid, static_cast<int>(descriptor.number));
      continue;
    }
    descriptor.kind = sample.sockets.back().protocol;
  }
  sample.local_ports_count = sockets.local_ports;
}

void read_epolls(const os::Procfs& procfs, pid_t pid, ProcessSample& sample) {
  // Three calls each: a service has a few; what leaks them is told by their number.
  constexpr std::size_t most = 16;
  std::unordered_map<std::int64_t, const std::string*> kind_of;
  for (const auto& descriptor : sample.descriptors) kind_of[descriptor.number] = &descriptor.kind;
  for (const auto& descriptor : sample.descriptors) {
    const bool epoll = descriptor.kind == "epoll";
    if (!epoll && descriptor.kind != "inotify") continue;
    if ((epoll ? sample.epolls.size() : sample.inotifies.size()) >= most) continue;
    const auto info = os::read_descriptor_info(procfs, pid, static_cast<int>(descriptor.number));
    if (!info) continue;
    if (!epoll) {
      sample.inotifies.push_back({descriptor.number, info->inotify_watches});
      continue;
    }
    EpollSample watched{descriptor.number, {}, info->truncated};
    for (const int number : info->watched) {
      const auto kind = kind_of.find(number);
      ++watched.kinds[kind == kind_of.end() ? "closed" : *kind->second];
    }
    sample.epolls.push_back(std::move(watched));
  }
}

/// Flags cost three calls per descriptor: of a large table every k-th is read.
void check_inheritance(const os::Procfs& procfs, pid_t pid, ProcessSample& sample) {
  constexpr std::size_t few = 16;
  const std::size_t wanted = std::max(few, sample.descriptors.size() / 64);
  const std::size_t step = std::max<std::size_t>(sample.descriptors.size() / wanted, 1);
  for (std::size_t i = 0; i < sample.descriptors.size(); i += step) {
    const std::int64_t number = sample.descriptors[i].number;
    if (number <= 2) continue;  // standard streams are meant to be inherited
    const auto info = os::read_descriptor_info(procfs, pid, static_cast<int>(number));
    if (!info || !info->flags) continue;
    ++sample.exec_checked_count;
    if (!info->close_on_exec()) sample.inherited.push_back(number);
  }
}

void find_pipe_ends(const os::Procfs& procfs, const os::ProcessInfo& process, bool owners,
                    ProcessSample& sample) {
  std::map<std::string, std::int64_t> pipes;
  for (const auto& descriptor : sample.descriptors)
    if (descriptor.kind == "pipe") ++pipes[descriptor.link];
  std::unordered_set<std::string> links;
  for (const auto& [link, count] : pipes) links.insert(link);
  std::vector<pid_t> candidates = owners ? procfs.pids() : os::children_of(procfs, process.id.pid);
  if (!owners) candidates.push_back(process.parent);
  const auto holders = os::find_holders(procfs, links, candidates);
  std::vector<Gap> ended;
  for (const auto& [link, count] : pipes) {
    PipeSample pipe{link, count, {}};
    const auto found = holders.pids_of_link.find(link);
    if (found != holders.pids_of_link.end())
      for (const pid_t pid : found->second) {
        if (pid == process.id.pid || pid == ::getpid()) continue;
        const pid_t holder = pid;  // clang 14 captures no structured binding
        const auto info = attempt(ended, "holder", [&] { return procfs.process(holder); });
        if (info) pipe.holders.push_back(os::describe_process(*info));
      }
    sample.pipes.push_back(std::move(pipe));
  }
}

/// The local process at the other end of loopback connections: the peer's socket has our address
/// and port as its own peer.
void find_peer_owners(const os::Procfs& procfs, ProcessSample& sample) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> inode_of_ports;
  std::set<std::uint32_t> inodes;
  std::set<std::pair<std::int64_t, std::int64_t>> wanted;
  for (const auto& socket : sample.sockets)
    if (socket.protocol == "tcp" && socket.peer_port != 0)
      wanted.insert({socket.peer_port, socket.local_port});
  os::InetFilter filter;
  for (const auto& socket : os::dump_inet(filter, [&](const os::InetHead& head) {
         return head.inode != 0 && wanted.contains({head.local_port, head.peer_port});
       })) {
    inode_of_ports[{socket.local_port, socket.peer_port}] = socket.inode;
    inodes.insert(socket.inode);
  }
  const auto owners = os::find_socket_owners(procfs, inodes);
  std::vector<Gap> ended;
  for (auto& socket : sample.sockets) {
    const auto inode = inode_of_ports.find({socket.peer_port, socket.local_port});
    if (inode == inode_of_ports.end()) continue;
    const auto pid = owners.pid_of_inode.find(inode->second);
    if (pid == owners.pid_of_inode.end()) continue;
    if (const auto info = attempt(ended, "owner", [&] { return procfs.process(pid->second); }))
      socket.owner = os::describe_process(*info);
  }
}

/// "Max open files            1024                 524288               files"; "unlimited" is no
/// number: there is no limit to run into.
std::optional<std::int64_t> limit_of(const std::string& limits, std::size_t column) {
  std::optional<std::int64_t> limit;
  os::each_line(limits, [&](std::string_view line) {
    const auto words = os::words_of(line);
    constexpr std::size_t label_words = 3;
    if (line.rfind("Max open files", 0) != 0 || words.size() <= label_words + column) return;
    const std::string_view word = words[label_words + column];
    std::int64_t value = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc())
      limit = value;
  });
  return limit;
}

/// /proc/<pid>/net/netstat: a line of names, "TcpExt: SyncookiesSent ...", and one of values.
std::optional<ListenCounters> listen_counters(const os::Procfs& procfs, pid_t pid) {
  std::vector<Gap> none;
  const auto text = attempt(none, "netstat", [&] { return procfs.read(pid, "net/netstat"); });
  if (!text) return std::nullopt;
  std::vector<std::string_view> names;
  std::optional<ListenCounters> counters;
  os::each_line(*text, [&](std::string_view line) {
    if (line.rfind("TcpExt:", 0) != 0) return;
    const auto words = os::words_of(line);
    if (names.empty()) {
      names = words;
      return;
    }
    counters.emplace();
    for (std::size_t i = 0; i < std::min(names.size(), words.size()); ++i) {
      std::int64_t value = 0;
      std::from_chars(words[i].data(), words[i].data() + words[i].size(), value);
      if (names[i] == "ListenOverflows") counters->overflows_count = value;
      if (names[i] == "ListenDrops") counters->drops_count = value;
    }
  });
  return counters;
}

void read_listed(const os::Procfs& procfs, const os::ProcessInfo& process, bool owners,
                 const std::vector<os::Descriptor>& descriptors, ProcessSample& sample) {
  const pid_t pid = process.id.pid;
  std::unordered_set<std::uint32_t> inodes;
  sample.descriptors.reserve(descriptors.size());
  for (const auto& descriptor : descriptors) {
    sample.descriptors.push_back(
        {descriptor.number, os::kind_of_link(descriptor.link), descriptor.link});
    if (const auto inode = os::inode_of_socket_link(descriptor.link)) inodes.insert(inode);
  }
  sample.listed = true;
  sample.open_count = static_cast<std::int64_t>(descriptors.size());
  if (const auto sockets = read_sockets(procfs, pid, inodes, sample)) {
    sample.sockets_known = true;
    join_sockets(procfs, pid, *sockets, sample);
  }
  read_epolls(procfs, pid, sample);
  check_inheritance(procfs, pid, sample);
  find_pipe_ends(procfs, process, owners, sample);
  if (owners)
    attempt(sample.gaps, "owners", [&] {
      os::in_network_of(procfs, pid, [&] { find_peer_owners(procfs, sample); });
      return true;
    });
  sample.owners_looked_up = owners;
}

}  // namespace

ProcessSample read_process(const os::Procfs& procfs, const os::ProcessInfo& process, bool owners,
                           Session& session) {
  const pid_t pid = process.id.pid;
  ProcessSample sample;
  sample.process = os::describe_process(process);
  sample.pid = pid;
  sample.open_count = os::count_descriptors(procfs, pid);
  const auto descriptors =
      attempt(sample.gaps, "by_kind", [&] { return os::read_descriptors(procfs, process.id); });
  procfs.check_same(process.id);
  if (descriptors) {
    read_listed(procfs, process, owners, *descriptors, sample);
    session.touch({"kernel socket list", "sock_diag: tcp, udp, unix", 1, 0});
  }
  if (const auto limits =
          attempt(sample.gaps, "soft_limit_count", [&] { return procfs.read(pid, "limits"); })) {
    sample.soft_limit_count = limit_of(*limits, 0);
    sample.hard_limit_count = limit_of(*limits, 1);
  }
  sample.listen_before = sample.listen_after = listen_counters(procfs, pid);
  if (owners) session.touch({"/proc/*/fd", "all processes, links only", 1, 0});
  session.touch({fmt::format("/proc/{}", pid), "stat, cmdline, fd, fdinfo, limits, net", 1, 0});
  return sample;
}

}  // namespace triage::probes::fds
