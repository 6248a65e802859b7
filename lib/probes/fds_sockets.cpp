#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "lib/probes/fds_analyse.h"
#include "lib/stats/robust.h"

namespace triage::probes::fds {
namespace {

constexpr double old_close_wait_s = 60;
constexpr double quiet_limit_s = 60;

/// Well-known ports of what a Node.js service talks to (IANA service names registry).
std::string service_of(std::int64_t port) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 14> services{{
      {53, "dns"},
      {80, "http"},
      {443, "https"},
      {3306, "mysql"},
      {4317, "otlp"},
      {4318, "otlp"},
      {5432, "postgres"},
      {5672, "amqp"},
      {6379, "redis"},
      {6432, "pgbouncer"},
      {9042, "cassandra"},
      {9092, "kafka"},
      {11211, "memcached"},
      {27017, "mongodb"},
  }};
  for (const auto& [number, name] : services)
    if (number == port) return std::string(name);
  return {};
}

std::string endpoint(const std::string& address, std::int64_t port) {
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                : fmt::format("[{}]:{}", address, port);
}

void add_to_peer(const SocketSample& socket, Peer& peer, std::vector<double>& rtts) {
  ++peer.connections_count;
  ++peer.states[socket.state];
  peer.receive_queue_bytes += socket.receive_queue;
  peer.send_queue_bytes += socket.send_queue;
  peer.retransmits_count += socket.retransmits_count.value_or(0);
  if (socket.retransmits_now) ++peer.stalled_count;
  if (socket.rtt_ms && *socket.rtt_ms > 0) rtts.push_back(*socket.rtt_ms);
  if (peer.name.empty()) peer.name = socket.peer_name;
  if (socket.quiet_s.value_or(0) >= quiet_limit_s) ++peer.quiet_count;
  if (!peer.owner.empty() || socket.owner.empty()) return;
  peer.owner = socket.owner;
  if (peer.service != "clients") peer.service = socket.owner_name;  // who listens, not who should
}

void group_peers(const ProcessSample& process, Result& result) {
  std::set<std::int64_t> listening;
  for (const auto& socket : process.sockets)
    if (socket.state == "LISTEN") listening.insert(socket.local_port);
  std::map<std::string, Peer> peers;
  std::map<std::string, std::vector<double>> rtts;
  for (const auto& socket : process.sockets) {
    if (socket.protocol == "unix" && socket.state == "CONNECTED") {
      const std::string name = unix_peer_of(socket);
      peers[name].peer = name;
      add_to_peer(socket, peers[name], rtts[name]);
    }
    if (socket.peer_port == 0) continue;
    // A client's own port is a passing number: connections to a port that the target listens on
    // are grouped by the client's address.
    const bool incoming = listening.contains(socket.local_port);
    const std::string name = incoming
                                 ? socket.peer_address + fmt::format(" -> :{}", socket.local_port)
                                 : endpoint(socket.peer_address, socket.peer_port);
    Peer& peer = peers[name];
    peer.peer = name;
    if (peer.service.empty()) peer.service = incoming ? "clients" : service_of(socket.peer_port);
    add_to_peer(socket, peer, rtts[name]);
    const auto ports =
        process.destinations.find(fmt::format("{}:{}", socket.peer_address, socket.peer_port));
    if (!incoming && process.local_ports_count && ports != process.destinations.end())
      peer.ports_ratio =
          static_cast<double>(ports->second) / static_cast<double>(*process.local_ports_count);
  }
  for (auto& [name, peer] : peers) {
    peer.rtt_ms = stats::median(rtts[name]);
    result.peers.push_back(std::move(peer));
  }
  std::stable_sort(result.peers.begin(), result.peers.end(), [](const Peer& a, const Peer& b) {
    return a.connections_count > b.connections_count;
  });
}

}  // namespace

std::string unix_peer_of(const SocketSample& socket) {
  if (!socket.peer_path.empty()) return "unix:" + socket.peer_path;
  return socket.path.empty() ? "unix pair" : "unix clients of " + socket.path;
}

void count_sockets(const ProcessSample& process, Result& result) {
  std::map<std::pair<std::string, std::string>, std::int64_t> states;
  result.close_wait_count = 0;
  result.close_wait_old_count = 0;
  for (const auto& socket : process.sockets) {
    ++states[{socket.protocol, socket.state}];
    if (socket.state == "LISTEN" && socket.protocol == "tcp")
      result.listeners.push_back({endpoint(socket.local_address, socket.local_port),
                                  socket.receive_queue, socket.send_queue, socket.drops_count});
    if (socket.state != "CLOSE_WAIT") continue;
    ++*result.close_wait_count;
    if (socket.closed_s.value_or(0) >= old_close_wait_s) ++*result.close_wait_old_count;
  }
  for (const auto& [key, count] : states)
    result.sockets_by_state.push_back({key.first, key.second, count});
  group_peers(process, result);
}

}  // namespace triage::probes::fds
