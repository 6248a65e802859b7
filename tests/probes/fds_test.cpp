#include "lib/probes/fds.h"

#include <doctest/doctest.h>

#include "lib/os/descriptor_table.h"

using namespace triage;

namespace {

using probes::fds::ProcessSample;

ProcessSample sample_of(std::int64_t open, std::int64_t limit) {
  ProcessSample sample;
  sample.pid = 4127;
  sample.open_count = open;
  sample.soft_limit_count = limit;
  sample.listed = true;
  sample.sockets_known = true;
  return sample;
}

probes::fds::Result analyse(const ProcessSample& process) {
  probes::fds::Sample sample;
  sample.processes = {process};
  return probes::fds::analyse({}, sample);
}

Severity severity_of_sample(const ProcessSample& sample) {
  return analyse(sample).envelope.severity;
}

probes::fds::SocketSample socket_of(const std::string& state, std::int64_t local_port,
                                    std::int64_t peer_port) {
  probes::fds::SocketSample socket;
  socket.protocol = "tcp";
  socket.state = state;
  socket.local_address = socket.peer_address = "127.0.0.1";
  socket.local_port = local_port;
  socket.peer_port = peer_port;
  return socket;
}

bool found(const probes::fds::Result& result, const std::string& id) {
  for (const auto& finding : result.envelope.findings)
    if (finding.id == id) return true;
  return false;
}

/// A count each second: `first`, then `step` more each time.
ProcessSample growing(std::int64_t first, std::int64_t step, int points) {
  auto sample = sample_of(first + step * (points - 1), 1000);
  for (int i = 0; i < points; ++i)
    sample.points.push_back({static_cast<double>(i), first + step * i});
  return sample;
}

}  // namespace

TEST_CASE("fds: the severity follows the share of the soft limit") {
  CHECK(severity_of_sample(sample_of(100, 1024)) == Severity::ok);
  CHECK(severity_of_sample(sample_of(850, 1024)) == Severity::warn);
  CHECK(severity_of_sample(sample_of(1000, 1024)) == Severity::crit);
}

TEST_CASE("fds: a limit that could not be read gives unknown, not ok") {
  auto sample = sample_of(100, 1024);
  sample.soft_limit_count.reset();
  CHECK(severity_of_sample(sample) == Severity::unknown);
}

TEST_CASE(
    "fds: descriptors that could not be listed give unknown, but a full table stays critical") {
  auto sample = sample_of(100, 1024);
  sample.listed = sample.sockets_known = false;
  CHECK(severity_of_sample(sample) == Severity::unknown);
  CHECK_FALSE(analyse(sample).close_wait_count.has_value());
  sample.open_count = 1020;
  CHECK(severity_of_sample(sample) == Severity::crit);
}

TEST_CASE("fds: connections are grouped by peer, and a full accept queue is critical") {
  auto sample = sample_of(100, 1024);
  for (int i = 0; i < 3; ++i) sample.sockets.push_back(socket_of("ESTABLISHED", 40000 + i, 5432));
  sample.sockets.push_back(socket_of("LISTEN", 3000, 0));
  sample.sockets.back().receive_queue = 4;
  sample.sockets.back().send_queue = 3;
  const auto result = analyse(sample);
  REQUIRE(result.peers.size() == 1);
  CHECK(result.peers[0].peer == "127.0.0.1:5432");
  CHECK(result.peers[0].service == "postgres");
  CHECK(result.peers[0].connections_count == 3);
  CHECK(result.envelope.severity == Severity::crit);
}

TEST_CASE("fds: kinds are told from the link texts of the kernel") {
  CHECK(os::kind_of_link("socket:[1]") == "socket");
  CHECK(os::kind_of_link("anon_inode:[eventpoll]") == "epoll");
  CHECK(os::kind_of_link("anon_inode:inotify") == "inotify");
  CHECK(os::kind_of_link("/var/log/app.log (deleted)") == "deleted file");
  CHECK(os::kind_of_link("/memfd:x (deleted)") == "memfd");
  CHECK(os::kind_of_link("/dev/null") == "device");
  CHECK(os::kind_of_link("") == "other");
}

TEST_CASE("fds: a steady leak reaches the limit when the arithmetic says") {
  const auto result = analyse(growing(100, 10, 21));
  REQUIRE(result.growth);
  CHECK(result.growth->growing);
  CHECK(*result.growth->per_s == doctest::Approx(10));
  // 1000 - 300 open at the end, 10 a second
  CHECK(*result.growth->exhausted_in_s == doctest::Approx(70));
  CHECK(found(result, "growing"));
}

TEST_CASE("fds: a count that stands still, falls or has settled is not growth") {
  CHECK_FALSE(analyse(growing(100, 0, 21)).growth->growing);
  CHECK_FALSE(analyse(growing(500, -5, 21)).growth->growing);
  auto settled = growing(100, 10, 10);
  for (int i = 10; i < 40; ++i) settled.points.push_back({static_cast<double>(i), 190});
  CHECK_FALSE(analyse(settled).growth->growing);
  CHECK_FALSE(analyse(sample_of(100, 1024)).growth.has_value());
}

TEST_CASE("fds: growth names the class that was born") {
  auto sample = growing(100, 10, 21);
  sample.before = {{5, "file", "/a"}, {6, "pipe", "pipe:[1]"}};
  sample.descriptors = {{5, "file", "/a"}, {7, "file", "/a"}, {8, "file", "/a"}};
  const auto growth = analyse(sample).growth;
  REQUIRE(growth->by_class.size() == 2);
  CHECK(growth->by_class[0].name == "/a");
  CHECK(growth->by_class[0].born_count == 2);
  CHECK(growth->by_class[1].died_count == 1);
}

TEST_CASE("fds: CLOSE_WAIT is a leak from a minute on, and a handful before is not") {
  auto sample = sample_of(100, 1024);
  sample.sockets.push_back(socket_of("CLOSE_WAIT", 40000, 5432));
  sample.sockets.back().closed_s = 5;
  CHECK(severity_of_sample(sample) == Severity::ok);
  sample.sockets.back().closed_s = 61;
  CHECK(found(analyse(sample), "close_wait_old"));
}

TEST_CASE("fds: local ports towards one destination run out before descriptors do") {
  auto sample = sample_of(100, 1024);
  sample.sockets.push_back(socket_of("ESTABLISHED", 40000, 5432));
  sample.local_ports_count = 100;
  sample.destinations["127.0.0.1:5432"] = 85;
  CHECK(found(analyse(sample), "local_ports"));
  sample.destinations["127.0.0.1:5432"] = 20;
  CHECK_FALSE(found(analyse(sample), "local_ports"));
}

TEST_CASE("fds: free numbers below the highest are counted, and all processes have a row") {
  auto first = sample_of(2, 1024);
  first.descriptors = {{0, "device", "/dev/null"}, {9, "file", "/a"}};
  auto second = sample_of(900, 1024);
  second.pid = 5000;
  probes::fds::Sample sample;
  sample.processes = {first, second};
  const auto result = probes::fds::analyse({}, sample);
  CHECK(result.pid == 5000);
  CHECK(result.processes.size() == 2);
  CHECK(analyse(first).holes_count == 8);
}

TEST_CASE("fds: unix peers are named by the path of either end, and by who holds the other") {
  auto sample = sample_of(100, 1024);
  probes::fds::SocketSample client;
  client.protocol = "unix";
  client.state = "CONNECTED";
  client.peer_path = "/run/postgresql/.s.PGSQL.5432";
  client.owner = "pid 7 (postgres)";
  client.owner_name = "postgres";
  probes::fds::SocketSample accepted = client;
  accepted.peer_path.clear();
  accepted.path = "/run/app.sock";
  sample.sockets = {client, client, accepted};
  const auto result = analyse(sample);
  REQUIRE(result.peers.size() == 2);
  CHECK(result.peers[0].peer == "unix:/run/postgresql/.s.PGSQL.5432");
  CHECK(result.peers[0].connections_count == 2);
  CHECK(result.peers[0].service == "postgres");
  CHECK(result.peers[1].peer == "unix clients of /run/app.sock");
}

TEST_CASE("fds: who holds the other end says more of the service than the port does") {
  auto sample = sample_of(100, 1024);
  sample.sockets.push_back(socket_of("ESTABLISHED", 40000, 5432));
  sample.sockets.back().owner = "pid 9 (pgbouncer)";
  sample.sockets.back().owner_name = "pgbouncer";
  CHECK(analyse(sample).peers[0].service == "pgbouncer");
}

TEST_CASE("fds: many connections to one peer are a leak when they are quiet, not when they work") {
  auto sample = sample_of(300, 1024);
  for (int i = 0; i < 150; ++i) {
    sample.sockets.push_back(socket_of("ESTABLISHED", 40000 + i, 5432));
    sample.sockets.back().quiet_s = 0.5;
  }
  CHECK_FALSE(found(analyse(sample), "same_peer"));
  for (auto& socket : sample.sockets) socket.quiet_s = 90;
  CHECK(found(analyse(sample), "same_peer"));
}

TEST_CASE("fds: the limits of the host and of inotify are judged as well") {
  auto process = sample_of(100, 1024);
  process.inotifies = {{8, 10}};
  for (int i = 0; i < 120; ++i) process.descriptors.push_back({i, "inotify", "anon_inode:inotify"});
  probes::fds::Sample sample;
  sample.processes = {process};
  sample.inotify_max_count = 128;
  sample.system_open_count = 950;
  sample.system_max_count = 1000;
  const auto result = probes::fds::analyse({}, sample);
  CHECK(found(result, "inotify_limit"));
  CHECK(found(result, "host_limit"));
  CHECK(result.limits.front().name == "fs.file-max");
  sample.inotify_max_count = 8192;
  sample.system_max_count = 100'000;
  CHECK(probes::fds::analyse({}, sample).envelope.severity == Severity::ok);
}

TEST_CASE("fds: a high number is what is left of a time when the table was nearly full") {
  auto sample = sample_of(2, 1024);
  sample.descriptors = {{0, "device", "/dev/null"}, {1000, "file", "/a"}};
  CHECK(found(analyse(sample), "was_near_limit"));
  sample.descriptors[1].number = 500;
  CHECK_FALSE(found(analyse(sample), "was_near_limit"));
}

TEST_CASE("fds: two rounds of a watch compare the classes, and do not yet give a rate") {
  auto sample = sample_of(3, 1024);
  sample.points = {{0, 2}, {5, 3}};
  sample.before_s = 5;
  sample.before = {{5, "tcp", "socket:[1]"}, {6, "pipe", "pipe:[1]"}};
  sample.sockets_before.push_back(socket_of("ESTABLISHED", 40000, 5432));
  sample.sockets_before.back().number = 5;
  sample.descriptors = {{6, "pipe", "pipe:[1]"}, {7, "file", "/a"}, {8, "file", "/a"}};
  const auto growth = analyse(sample).growth;
  REQUIRE(growth);
  CHECK_FALSE(growth->per_s.has_value());
  REQUIRE(growth->by_class.size() == 2);
  CHECK(growth->by_class[0].name == "/a");
  CHECK(growth->by_class[1].name == "tcp 127.0.0.1:5432");
  CHECK(growth->by_class[1].died_count == 1);
}
