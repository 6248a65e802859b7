#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::os {

/// What the kernel knows of a TCP connection (struct tcp_info, linux/tcp.h). Ages count back from
/// the dump and have the resolution of a kernel tick (4 ms at HZ=250).
struct TcpHealth {
  double rtt_ms = 0;                    ///< smoothed round-trip time
  std::uint32_t retransmits_total = 0;  ///< segments sent again since the connection began
  std::uint32_t backoff = 0;            ///< doublings of the retransmission timer now
  std::uint32_t unacked = 0;            ///< segments on the way
  std::uint32_t last_data_sent_ms = 0;
  std::uint32_t last_data_received_ms = 0;
  std::uint32_t last_ack_received_ms = 0;  ///< in CLOSE_WAIT: since the peer's FIN
  std::uint32_t data_segments_out = 0;     ///< since the connection began; wraps
  std::uint32_t data_segments_in = 0;
};

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
  std::uint32_t inode = 0;   ///< 0 when no process owns it
  bool retransmits = false;  ///< the retransmission timer runs with at least one repetition
  std::optional<std::uint32_t> drops;  ///< packets or connections dropped at this socket
  std::optional<TcpHealth> tcp;        ///< TCP, when asked for
};

struct InetFilter {
  int family = 0;                ///< 0: both
  int protocol = 6;              ///< IPPROTO_TCP
  std::uint32_t states = ~0U;    ///< bit mask 1 << state
  std::uint16_t local_port = 0;  ///< 0: any; filtered in the kernel
  std::uint16_t peer_port = 0;
  bool health = false;  ///< with `tcp` and `drops`
};

/// What decides whether a socket is worth its texts: a host may have tens of thousands.
struct InetHead {
  std::uint32_t inode = 0;
  int state = 0;
  std::uint16_t local_port = 0;
  std::uint16_t peer_port = 0;
  std::string_view peer_bytes;  ///< 16 bytes, network order; IPv4 in the first four
};

/// All sockets of the calling thread's network namespace that pass the filter and `wanted`. Throws
/// Error{refused} or Error{unreachable} when the kernel does not answer.
std::vector<InetSocket> dump_inet(const InetFilter& filter,
                                  const std::function<bool(const InetHead&)>& wanted = {});

/// One unix-domain socket (linux/unix_diag.h).
struct UnixSocket {
  std::uint32_t inode = 0;
  int type = 0;      ///< SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET
  int state = 0;     ///< as TCP: 1 connected, 7 not, 10 listen
  std::string path;  ///< of the bound end; "@name" for the abstract namespace
  std::uint32_t peer_inode = 0;
  std::uint32_t receive_queue = 0;  ///< bytes; on a listener: connections waiting for accept
  std::uint32_t send_queue = 0;     ///< bytes; on a listener: the backlog
};

std::vector<UnixSocket> dump_unix(const std::function<bool(std::uint32_t inode)>& wanted = {});

/// "ESTABLISHED", "CLOSE_WAIT", ... for a kernel state number.
std::string_view tcp_state_name(int state);

}  // namespace triage::os
