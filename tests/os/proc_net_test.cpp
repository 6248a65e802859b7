#include "lib/os/proc_net.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace triage::os;

TEST_CASE("proc net: a row of tcp gives addresses, ports, state, queues and inode") {
  const auto rows = parse_proc_inet(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:0CEA 0200000A:1538 01 00000010:00000004 00:00000000 00000000  1000        0 "
      "12345 1 0000000000000000 20 4 30 10 -1\n",
      IPPROTO_TCP);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].local_address == "127.0.0.1");
  CHECK(rows[0].local_port == 3306);
  CHECK(rows[0].peer_address == "10.0.0.2");
  CHECK(rows[0].peer_port == 5432);
  CHECK(rows[0].state == 1);
  CHECK(rows[0].send_queue == 16);
  CHECK(rows[0].receive_queue == 4);
  CHECK(rows[0].uid == 1000);
  CHECK(rows[0].inode == 12345);
}

TEST_CASE("proc net: IPv6 addresses are four words of the machine's byte order") {
  const auto rows = parse_proc_inet(
      "   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 99 1\n",
      IPPROTO_TCP);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].local_address == "::1");
  CHECK(rows[0].family == AF_INET6);
}

TEST_CASE("proc net: rows of another shape are passed over") {
  for (const char* text : {"", "\n\n", "a b c d e f g h i j\n", "0: 1:2 3:4 5 6 7 8 9 10 11\n",
                           "   0: 0100007F:0CEA 0200000A:1538 01 00000010 00:0 0 0 0 1 1\n"})
    CHECK(parse_proc_inet(text, IPPROTO_TCP).empty());
}

TEST_CASE("proc net: unix sockets carry their path when they have one") {
  const auto rows = parse_proc_unix(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 20815 /run/app.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 20816\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].path == "/run/app.sock");
  CHECK(rows[0].state == 10);
  CHECK(rows[1].state == 1);
  CHECK(rows[1].inode == 20816);
}
