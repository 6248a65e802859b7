#include "lib/os/sock_diag.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lib/base/error.h"
#include "lib/os/fd.h"

namespace triage::os {
namespace {

/// One dump request (linux/inet_diag.h, sock_diag(7)).
struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

enum class End { more, done, again };

[[noreturn]] void fail(int error) {
  throw Error(
      error == EPERM || error == EACCES ? ErrorCode::refused : ErrorCode::unreachable,
      fmt::format("the kernel gives no socket list (NETLINK_SOCK_DIAG): {}", std::strerror(error)),
      "load the module inet_diag, or read /proc/net/tcp by hand");
}

std::string address_text(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(family, bytes, text.data(), text.size()) == nullptr) return "?";
  return text.data();
}

InetSocket to_socket(const inet_diag_msg& message, int protocol) {
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
  return socket;
}

/// Takes the messages of one datagram. The kernel aligns them; they are copied out all the same, so
/// that no buffer is read as a type it is not.
End take_messages(const char* data, std::size_t size, int protocol,
                  std::vector<InetSocket>& sockets) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, data, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) fail(EBADMSG);
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return End::again;
    if (header.nlmsg_type == NLMSG_DONE) return End::done;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int error = EIO;
      if (header.nlmsg_len >= sizeof header + sizeof error)
        std::memcpy(&error, data + sizeof header, sizeof error);
      // A family that this kernel does not have has no sockets.
      if (error == -ENOENT) return End::done;
      fail(-error);
    }
    if (header.nlmsg_len >= sizeof header + sizeof(inet_diag_msg)) {
      inet_diag_msg message{};
      std::memcpy(&message, data + sizeof header, sizeof message);
      sockets.push_back(to_socket(message, protocol));
    }
    const std::size_t step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), size);
    data += step;
    size -= step;
  }
  return End::more;
}

Request make_request(const InetFilter& filter, int family) {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = static_cast<std::uint8_t>(family);
  request.body.sdiag_protocol = static_cast<std::uint8_t>(filter.protocol);
  request.body.idiag_states = filter.states;
  request.body.id.idiag_sport = htons(filter.local_port);
  request.body.id.idiag_dport = htons(filter.peer_port);
  return request;
}

End dump_once(const Fd& netlink, const InetFilter& filter, int family,
              std::vector<InetSocket>& sockets) {
  const Request request = make_request(filter, family);
  if (::send(netlink.get(), &request, sizeof request, 0) < 0) fail(errno);
  std::vector<char> buffer(std::size_t{1} << 20U);
  End end = End::more;
  while (end == End::more) {
    const ssize_t count = ::recv(netlink.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ENOBUFS) return End::again;
    if (count <= 0) fail(count < 0 ? errno : EPIPE);
    end = take_messages(buffer.data(), static_cast<std::size_t>(count), filter.protocol, sockets);
  }
  return end;
}

/// A dump that the kernel calls interrupted is taken again on a new socket, a few times.
std::vector<InetSocket> dump_family(const InetFilter& filter, int family) {
  constexpr int attempts = 5;
  for (int i = 0; i < attempts; ++i) {
    const Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!netlink) fail(errno);
    std::vector<InetSocket> sockets;
    if (dump_once(netlink, filter, family, sockets) == End::done) return sockets;
  }
  fail(EAGAIN);
}

}  // namespace

std::vector<InetSocket> dump_inet(const InetFilter& filter) {
  std::vector<InetSocket> all;
  for (const int family : {AF_INET, AF_INET6}) {
    if (filter.family != 0 && filter.family != family) continue;
    auto sockets = dump_family(filter, family);
    all.insert(all.end(), std::make_move_iterator(sockets.begin()),
               std::make_move_iterator(sockets.end()));
  }
  return all;
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
