#include "lib/os/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "lib/base/gap.h"
#include "lib/os/diag_dump.h"

namespace triage::os {
namespace {

template <class Body>
struct Request {
  nlmsghdr header;
  Body body;
};

template <class Body>
Request<Body> make_request(const Body& body, std::uint16_t type = SOCK_DIAG_BY_FAMILY) {
  Request<Body> request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body = body;
  return request;
}

/// As much of a kernel structure as this kernel sends; the rest stays zero.
template <class Value>
Value copied(std::span<const std::byte> bytes) {
  Value value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::string address_text(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return "?";
  return text.data();
}

TcpHealth to_health(const tcp_info& info) {
  constexpr double us_per_ms = 1000;
  TcpHealth health;
  health.rtt_ms = info.tcpi_rtt / us_per_ms;
  health.retransmits_total = info.tcpi_total_retrans;
  health.backoff = info.tcpi_backoff;
  health.unacked = info.tcpi_unacked;
  health.last_data_sent_ms = info.tcpi_last_data_sent;
  health.last_data_received_ms = info.tcpi_last_data_recv;
  health.last_ack_received_ms = info.tcpi_last_ack_recv;
  health.data_segments_out = info.tcpi_data_segs_out;
  health.data_segments_in = info.tcpi_data_segs_in;
  return health;
}

InetSocket to_socket(const inet_diag_msg& message, int protocol) {
  constexpr int retransmission_timer = 1;  // idiag_timer, sock_diag(7)
  InetSocket socket;
  socket.family = message.idiag_family;
  socket.protocol = protocol;
  socket.state = message.idiag_state;
  socket.local_address = address_text(socket.family, &message.id.idiag_src);
  socket.local_port = ntohs(message.id.idiag_sport);
  socket.peer_address = address_text(socket.family, &message.id.idiag_dst);
  socket.peer_port = ntohs(message.id.idiag_dport);
  socket.receive_queue = message.idiag_rqueue;
  socket.send_queue = message.idiag_wqueue;
  socket.uid = message.idiag_uid;
  socket.inode = message.idiag_inode;
  socket.retransmits = message.idiag_timer == retransmission_timer && message.idiag_retrans > 0;
  return socket;
}

void add_attributes(std::span<const std::byte> attributes, InetSocket& socket) {
  each_attribute(attributes, [&](int type, std::span<const std::byte> value) {
    if (type == INET_DIAG_INFO && socket.protocol == IPPROTO_TCP)
      socket.tcp = to_health(copied<tcp_info>(value));
    constexpr std::size_t drops_at = sizeof(std::uint32_t) * SK_MEMINFO_DROPS;
    if (type == INET_DIAG_SKMEMINFO && value.size() >= drops_at + sizeof(std::uint32_t))
      socket.drops = copied<std::uint32_t>(value.subspan(drops_at));
  });
}

InetHead head_of(const inet_diag_msg& message) {
  return {message.idiag_inode,
          message.idiag_state,
          ntohs(message.id.idiag_sport),
          ntohs(message.id.idiag_dport),
          {static_cast<const char*>(static_cast<const void*>(&message.id.idiag_dst)),
           sizeof message.id.idiag_dst}};
}

/// The members that both forms of the request have.
template <class Body>
void fill_request(const InetFilter& filter, Body& body) {
  body.idiag_states = filter.states;
  body.id.idiag_sport = htons(filter.local_port);
  body.id.idiag_dport = htons(filter.peer_port);
  if (filter.health)
    body.idiag_ext = (1U << (INET_DIAG_INFO - 1U)) | (1U << (INET_DIAG_SKMEMINFO - 1U));
}

void take_dump(std::span<const std::byte> request, const InetFilter& filter,
               const std::function<bool(const InetHead&)>& wanted,
               std::vector<InetSocket>& sockets) {
  const std::size_t before = sockets.size();
  dump_diag(
      request,
      [&](std::span<const std::byte> payload) {
        if (payload.size() < sizeof(inet_diag_msg)) return;
        const auto message = copied<inet_diag_msg>(payload);
        if (wanted && !wanted(head_of(message))) return;
        sockets.push_back(to_socket(message, filter.protocol));
        add_attributes(payload.subspan(NLMSG_ALIGN(sizeof message)), sockets.back());
      },
      [&] { sockets.resize(before); });
}

void dump_family(const InetFilter& filter, int family,
                 const std::function<bool(const InetHead&)>& wanted,
                 std::vector<InetSocket>& sockets) {
  inet_diag_req_v2 body{};
  body.sdiag_family = static_cast<std::uint8_t>(family);
  body.sdiag_protocol = static_cast<std::uint8_t>(filter.protocol);
  fill_request(filter, body);
  const auto request = make_request(body);
  take_dump(std::as_bytes(std::span(&request, 1)), filter, wanted, sockets);
}

/// Both families of TCP in one walk over the kernel's table, which is most of the cost of a dump:
/// the older request has no family (net/ipv4/inet_diag.c, inet_diag_dump_compat). False where the
/// kernel does not take it.
bool dump_tcp_at_once(const InetFilter& filter, const std::function<bool(const InetHead&)>& wanted,
                      std::vector<InetSocket>& sockets) {
  inet_diag_req body{};
  body.idiag_family = AF_INET;
  fill_request(filter, body);
  const auto request = make_request(body, TCPDIAG_GETSOCK);
  std::vector<Gap> refused;
  return attempt(refused, "tcp",
                 [&] {
                   take_dump(std::as_bytes(std::span(&request, 1)), filter, wanted, sockets);
                   return true;
                 })
      .has_value();
}

UnixSocket to_unix(const unix_diag_msg& message, std::span<const std::byte> attributes) {
  UnixSocket socket;
  socket.inode = message.udiag_ino;
  socket.type = message.udiag_type;
  socket.state = message.udiag_state;
  each_attribute(attributes, [&](int type, std::span<const std::byte> value) {
    if (type == UNIX_DIAG_PEER) socket.peer_inode = copied<std::uint32_t>(value);
    if (type == UNIX_DIAG_RQLEN) {
      const auto lengths = copied<unix_diag_rqlen>(value);
      socket.receive_queue = lengths.udiag_rqueue;
      socket.send_queue = lengths.udiag_wqueue;
    }
    if (type != UNIX_DIAG_NAME || value.empty()) return;
    socket.path.resize(value.size());
    std::memcpy(socket.path.data(), value.data(), value.size());
    if (socket.path.front() == '\0') socket.path.front() = '@';
    while (!socket.path.empty() && socket.path.back() == '\0') socket.path.pop_back();
  });
  return socket;
}

}  // namespace

std::vector<InetSocket> dump_inet(const InetFilter& filter,
                                  const std::function<bool(const InetHead&)>& wanted) {
  std::vector<InetSocket> all;
  if (filter.family == 0 && filter.protocol == IPPROTO_TCP && dump_tcp_at_once(filter, wanted, all))
    return all;
  all.clear();
  for (const int family : {AF_INET, AF_INET6})
    if (filter.family == 0 || filter.family == family) dump_family(filter, family, wanted, all);
  return all;
}

std::vector<UnixSocket> dump_unix(const std::function<bool(std::uint32_t inode)>& wanted) {
  unix_diag_req body{};
  body.sdiag_family = AF_UNIX;
  body.udiag_states = ~0U;
  body.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
  const auto request = make_request(body);
  std::vector<UnixSocket> sockets;
  dump_diag(
      std::as_bytes(std::span(&request, 1)),
      [&](std::span<const std::byte> payload) {
        if (payload.size() < sizeof(unix_diag_msg)) return;
        const auto message = copied<unix_diag_msg>(payload);
        if (wanted && !wanted(message.udiag_ino)) return;
        sockets.push_back(to_unix(message, payload.subspan(NLMSG_ALIGN(sizeof message))));
      },
      [&] { sockets.clear(); });
  return sockets;
}

std::string_view tcp_state_name(int state) {
  constexpr std::array<std::string_view, 13> names{
      "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",
      "CLOSE",   "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV"};
  return state > 0 && static_cast<std::size_t>(state) < names.size()
             ? names.at(static_cast<std::size_t>(state))
             : names.front();
}

}  // namespace triage::os
