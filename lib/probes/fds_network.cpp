#include "lib/probes/fds_network.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>
#include <unordered_map>
#include <unordered_set>

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

/// Where connections go, as the kernel's bytes: cheap to count for every socket of the host.
struct Destination {
  std::array<char, 16> address{};
  std::uint16_t port = 0;
  friend bool operator==(const Destination&, const Destination&) = default;
};

struct DestinationHash {
  std::size_t operator()(const Destination& destination) const {
    return std::hash<std::string_view>()({destination.address.data(), destination.address.size()}) ^
           destination.port;
  }
};

/// What the kernel lists of the sockets of one process.
struct Sockets {
  std::unordered_map<std::uint32_t, os::InetSocket> inet;
  std::unordered_map<std::uint32_t, os::UnixSocket> unix_domain;
  std::unordered_map<std::uint32_t, std::string> unix_paths;  ///< of all bound ends
  std::unordered_map<Destination, std::int64_t, DestinationHash> destinations;  ///< sockets
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

Destination destination_of(std::string_view bytes, std::uint16_t port) {
  Destination destination;
  std::memcpy(destination.address.data(), bytes.data(),
              std::min(bytes.size(), destination.address.size()));
  destination.port = port;
  return destination;
}

Destination destination_of(const os::InetSocket& socket) {
  Destination destination;
  ::inet_pton(socket.family, socket.peer_address.c_str(), destination.address.data());
  destination.port = socket.peer_port;
  return destination;
}

using Inodes = std::unordered_set<std::uint32_t>;

void dump_protocol(int protocol, const Inodes& inodes, Sockets& sockets) {
  os::InetFilter filter;
  filter.protocol = protocol;
  filter.health = true;
  const auto wanted = [&](const os::InetHead& head) {
    if (protocol == IPPROTO_TCP && head.peer_port != 0)
      ++sockets.destinations[destination_of(head.peer_bytes, head.peer_port)];
    return inodes.contains(head.inode);
  };
  for (auto& socket : os::dump_inet(filter, wanted))
    sockets.inet.emplace(socket.inode, std::move(socket));
}

/// The lists are asked for one after the other until every socket was found in one.
void dump_all(const Inodes& inodes, const os::Procfs& procfs, Sockets& sockets) {
  const auto missing = [&] {
    return sockets.inet.size() + sockets.unix_domain.size() < inodes.size();
  };
  if (!missing()) return;
  dump_protocol(IPPROTO_TCP, inodes, sockets);
  if (missing())
    for (auto& socket : os::dump_unix()) {
      if (!socket.path.empty()) sockets.unix_paths.emplace(socket.inode, socket.path);
      if (inodes.contains(socket.inode))
        sockets.unix_domain.emplace(socket.inode, std::move(socket));
    }
  if (missing()) dump_protocol(IPPROTO_UDP, inodes, sockets);
  if (!sockets.inet.empty())
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

std::optional<Sockets> list_sockets(const os::Procfs& procfs, const Inodes& inodes,
                                    ProcessSample& sample) {
  const auto pid = static_cast<pid_t>(sample.pid);
  std::vector<Gap> joining;
  auto dumped = attempt(joining, "peers", [&] {
    Sockets sockets;
    const bool own = os::shares_network(procfs, pid);
    sample.network = own ? "own" : "joined";
    if (own)
      dump_all(inodes, procfs, sockets);
    else
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

SocketSample to_sample(std::int64_t number, const os::UnixSocket& socket, const Sockets& sockets) {
  SocketSample sample;
  sample.number = number;
  sample.protocol = "unix";
  sample.state = socket.state == 1 ? "CONNECTED" : std::string(os::tcp_state_name(socket.state));
  sample.receive_queue = socket.receive_queue;
  sample.send_queue = socket.send_queue;
  sample.path = socket.path;
  sample.peer_inode = socket.peer_inode;
  const auto peer = sockets.unix_paths.find(socket.peer_inode);
  if (peer != sockets.unix_paths.end()) sample.peer_path = peer->second;
  return sample;
}

/// "TCPv6" -> "tcp (not bound)": a TCP or UDP socket that is in no list of the kernel is neither
/// bound nor connected, or belongs to another network. The other families have no list that is
/// read.
std::string lone_socket_kind(const os::Procfs& procfs, pid_t pid, int number) {
  std::string name = os::protocol_of_socket(procfs, pid, number);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  if (name == "tcpv6" || name == "udpv6") name.resize(3);
  if (name.empty()) return "socket";
  return name == "tcp" || name == "udp" ? name + " (not bound)" : name;
}

void join_sockets(const os::Procfs& procfs, const Sockets& sockets, ProcessSample& sample) {
  for (auto& descriptor : sample.descriptors) {
    const std::uint32_t inode = os::inode_of_socket_link(descriptor.link);
    if (inode == 0) continue;
    if (const auto inet = sockets.inet.find(inode); inet != sockets.inet.end()) {
      sample.sockets.push_back(to_sample(descriptor.number, inet->second));
      const auto& socket = sample.sockets.back();
      const auto used = sockets.destinations.find(destination_of(inet->second));
      if (socket.protocol == "tcp" && used != sockets.destinations.end())
        sample.destinations[fmt::format("{}:{}", socket.peer_address, socket.peer_port)] =
            used->second;
    } else if (const auto local = sockets.unix_domain.find(inode);
               local != sockets.unix_domain.end()) {
      sample.sockets.push_back(to_sample(descriptor.number, local->second, sockets));
    } else {
      descriptor.kind = lone_socket_kind(procfs, static_cast<pid_t>(sample.pid),
                                         static_cast<int>(descriptor.number));
      continue;
    }
    descriptor.kind = sample.sockets.back().protocol;
  }
  sample.local_ports_count = sockets.local_ports;
}

using PortPair = std::pair<std::int64_t, std::int64_t>;  ///< local and peer port of an end

/// The inodes at the other ends: of loopback connections the socket that has our address and port
/// as its own peer.
std::map<PortPair, std::uint32_t> other_ends(const ProcessSample& sample) {
  std::set<PortPair> wanted;
  for (const auto& socket : sample.sockets)
    if (socket.protocol == "tcp" && socket.peer_port != 0)
      wanted.insert({socket.peer_port, socket.local_port});
  std::map<PortPair, std::uint32_t> inodes;
  for (const auto& socket : os::dump_inet({}, [&](const os::InetHead& head) {
         return head.inode != 0 && wanted.contains({head.local_port, head.peer_port});
       }))
    inodes[{socket.local_port, socket.peer_port}] = socket.inode;
  return inodes;
}

}  // namespace

void read_sockets(const os::Procfs& procfs, ProcessSample& sample) {
  Inodes inodes;
  for (const auto& descriptor : sample.descriptors)
    if (const auto inode = os::inode_of_socket_link(descriptor.link)) inodes.insert(inode);
  const auto sockets = list_sockets(procfs, inodes, sample);
  if (!sockets) return;
  sample.sockets_known = true;
  join_sockets(procfs, *sockets, sample);
}

void find_peer_owners(const os::Procfs& procfs, ProcessSample& sample) {
  std::map<PortPair, std::uint32_t> ends;
  os::in_network_of(procfs, static_cast<pid_t>(sample.pid), [&] { ends = other_ends(sample); });
  const auto inode_of = [&](const SocketSample& socket) -> std::uint32_t {
    if (socket.protocol == "unix") return static_cast<std::uint32_t>(socket.peer_inode);
    const auto end = ends.find({socket.peer_port, socket.local_port});
    return end == ends.end() ? 0 : end->second;
  };
  std::set<std::uint32_t> inodes;
  for (const auto& socket : sample.sockets)
    if (const auto inode = inode_of(socket)) inodes.insert(inode);
  const auto owners = os::find_socket_owners(procfs, inodes);
  std::vector<Gap> ended;
  for (auto& socket : sample.sockets) {
    const auto pid = owners.pid_of_inode.find(inode_of(socket));
    if (pid == owners.pid_of_inode.end()) continue;
    if (const auto info = attempt(ended, "owner", [&] { return procfs.process(pid->second); })) {
      socket.owner = os::describe_process(*info);
      socket.owner_name = info->name;
    }
  }
}

}  // namespace triage::probes::fds
