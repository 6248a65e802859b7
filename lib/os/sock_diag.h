#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triage::os {

/// One TCP or UDP socket as NETLINK_SOCK_DIAG lists it (linux/inet_diag.h).
struct InetSocket {
  int family = 0;             ///< AF_INET or AF_INET6
  int protocol = 0;           ///< IPPROTO_TCP or IPPROTO_UDP
  int state = 0;              ///< kernel number (net/tcp_states.h): 1 established, 10 listen ...
  std::string local_address;  ///< numeric
  std::uint16_t local_port = 0;
  std::string peer_address;
  std::uint16_t peer_port = 0;
  std::uint32_t receive_queue = 0;  ///< bytes; on a listener: connections waiting for accept
  std::uint32_t send_queue = 0;     ///< bytes; on a listener: the backlog
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;  ///< 0 when no process owns it
};

struct InetFilter {
  int family = 0;                ///< 0: both
  int protocol = 6;              ///< IPPROTO_TCP
  std::uint32_t states = ~0U;    ///< bit mask 1 << state
  std::uint16_t local_port = 0;  ///< 0: any; filtered in the kernel
  std::uint16_t peer_port = 0;
};

/// All sockets of the own network namespace that pass the filter. Throws Error{refused} or
/// Error{unreachable} when the kernel does not answer.
std::vector<InetSocket> dump_inet(const InetFilter& filter);

/// "ESTABLISHED", "CLOSE_WAIT", ... for a kernel state number.
std::string_view tcp_state_name(int state);

}  // namespace triage::os
