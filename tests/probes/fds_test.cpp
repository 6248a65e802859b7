#include "lib/probes/fds.h"

#include <doctest/doctest.h>

#include "lib/os/descriptor_table.h"

using namespace triage;

namespace {

probes::fds::Sample sample_of(std::int64_t open, std::int64_t limit) {
  probes::fds::Sample sample;
  sample.pid = 4127;
  sample.open_count = open;
  sample.soft_limit_count = limit;
  sample.listed = true;
  sample.sockets_known = true;
  return sample;
}

Severity severity_of_sample(const probes::fds::Sample& sample) {
  return probes::fds::analyse({}, sample).envelope.severity;
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
  CHECK_FALSE(probes::fds::analyse({}, sample).close_wait_count.has_value());
  sample.open_count = 1020;
  CHECK(severity_of_sample(sample) == Severity::crit);
}

TEST_CASE("fds: connections are grouped by peer, and a full accept queue is critical") {
  auto sample = sample_of(100, 1024);
  for (int i = 0; i < 3; ++i)
    sample.sockets.push_back(
        {"tcp", "ESTABLISHED", "127.0.0.1", 40000 + i, "127.0.0.1", 5432, 0, 0});
  sample.sockets.push_back({"tcp", "LISTEN", "0.0.0.0", 3000, "0.0.0.0", 0, 4, 3});
  const auto result = probes::fds::analyse({}, sample);
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
