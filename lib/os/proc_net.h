#pragma once

#include <string_view>
#include <vector>

#include "lib/os/sock_diag.h"

namespace triage::os {

/// Rows of /proc/<pid>/net/tcp, tcp6, udp or udp6: what is left when the process lives in a network
/// namespace that may not be joined. No rtt, no drops. Lines of another shape are passed over.
///
///   "  0: 0100007F:0CEA 00000000:0000 0A 00000000:00000004 00:00000000 00000000 0 0 12345 1 ..."
///
/// Addresses are 32-bit words in the byte order of the machine (net/ipv4/tcp_ipv4.c,
/// get_tcp4_sock; proc(5)).
std::vector<InetSocket> parse_proc_inet(std::string_view text, int protocol);

/// Rows of /proc/<pid>/net/unix: "0000: 00000002 00000000 00010000 0001 01 20815 /run/x.sock".
/// Without peers.
std::vector<UnixSocket> parse_proc_unix(std::string_view text);

}  // namespace triage::os
