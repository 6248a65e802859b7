#include "lib/os/thread_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "lib/os/cgroup.h"

using namespace triage::os;

TEST_CASE("thread files: schedstat is time on a CPU and time waiting for one") {
  const auto schedule = parse_schedstat("94221103 1203441 211\n");
  REQUIRE(schedule);
  CHECK(schedule->cpu_ns == 94221103);
  CHECK(schedule->wait_ns == 1203441);
  for (const char* text : {"", "94221103", "94221103 ", "x 1 2", "1\n2 3"})
    CHECK_FALSE(parse_schedstat(text));
}

TEST_CASE("thread files: the own thread runs; a thread that is not there gives nothing") {
  const ThreadFiles own(::getpid(), ::getpid());
  CHECK(own.state() == 'R');
  CHECK(own.schedule()->cpu_ns > 0);
  const ThreadFiles none(::getpid(), 0);
  CHECK_FALSE(none.call());
  CHECK_FALSE(none.schedule());
  CHECK(none.state() == '?');
}

TEST_CASE("cgroup: the cpu controller is found among others, v2 alone otherwise") {
  const auto first =
      parse_cpu_group("9:name=systemd:/x\n4:cpuset:/no\n3:cpu,cpuacct:/docker/ab\n0::/v2\n");
  REQUIRE(first);
  CHECK(first->path == "/docker/ab");
  CHECK(first->controllers == "cpu,cpuacct");
  const auto second = parse_cpu_group("0::/system.slice/orders.service\n");
  REQUIRE(second);
  CHECK(second->path == "/system.slice/orders.service");
  CHECK(second->controllers.empty());
  CHECK_FALSE(parse_cpu_group("5:cpuset:/\nnonsense\n"));
}

TEST_CASE("cgroup: throttled time is nanoseconds in both versions") {
  CHECK(parse_throttled_ns("nr_periods 5\nnr_throttled 2\nthrottled_time 1500000\n") == 1500000);
  CHECK(parse_throttled_ns("usage_usec 9\nthrottled_usec 1500\n") == 1500000);
  CHECK_FALSE(parse_throttled_ns("usage_usec 9\n"));
}
