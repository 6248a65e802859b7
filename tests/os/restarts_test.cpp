#include "lib/os/restarts.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/os/memory_split.h"
#include "tests/support/command.h"

using namespace triage;
using namespace std::string_literals;
using os::Procfs;
using testing::TemporaryDirectory;

namespace {

/// A proc tree of made processes.
class Tree {
 public:
  Tree() {
    directory_.write("uptime", "10000.00 9000.00\n");
    directory_.write("meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n");
  }
  void process(pid_t pid, pid_t parent, std::uint64_t start_ticks, const std::string& command,
               const std::string& environ_text = {}, const std::string& groups = "0::/\n") {
    const std::string name = std::to_string(pid);
    std::filesystem::create_directory(directory_.path() + "/" + name);
    std::string stat = name + " (node) S " + std::to_string(parent);
    for (int field = 5; field < 22; ++field) stat += " 0";
    directory_.write(name + "/stat", stat + " " + std::to_string(start_ticks) + " 0 0\n");
    directory_.write(name + "/status", "Name:\tnode\nUid:\t0\t0\t0\t0\n");
    directory_.write(name + "/cmdline", command);
    directory_.write(name + "/environ", environ_text);
    directory_.write(name + "/cgroup", groups);
  }
  [[nodiscard]] Procfs procfs() const { return Procfs(directory_.path()); }

 private:
  TemporaryDirectory directory_;
};

void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("restarts: pm2 tells its count, and the parent and its other workers their ages") {
  Tree tree;
  tree.process(7, 1, 100'000, "pm2\0"s);
  tree.process(8, 7, 200'000, "node\0app.js\0"s);
  tree.process(9, 7, 300'000, "node\0app.js\0"s);
  tree.process(10, 7, 990'000, "node\0app.js\0"s, "A=1\0pm_id=0\0restart_time=5\0"s);
  tree.process(11, 7, 200'000, "node\0other.js\0"s);
  const auto restarts = os::read_restarts(tree.procfs(), tree.procfs().process(10));
  CHECK(restarts.count == 5);
  CHECK(restarts.source.starts_with("pm2"));
  CHECK(restarts.supervisor == "pid 7 (pm2)");
  CHECK(restarts.supervisor_age_s == doctest::Approx(9000));
  CHECK(restarts.siblings_count == 2);
  CHECK(restarts.oldest_sibling_age_s == doctest::Approx(8000));
  // without pm2's own variable the word means something else
  tree.process(12, 1, 0, "node\0"s, "restart_time=5\0"s);
  CHECK_FALSE(os::read_restarts(tree.procfs(), tree.procfs().process(12)).count);
}

TEST_CASE("restarts: systemd is asked for the unit of the control group") {
  CHECK(os::service_of("0::/system.slice/orders.service\n") == "orders.service");
  CHECK(os::service_of("2:cpu:/\n1:name=systemd:/system.slice/a@1.service/workers\n") ==
        "a@1.service");
  CHECK(os::service_of("0::/user.slice/session-1.scope\n").empty());
  CHECK(os::service_of("").empty());
  const TemporaryDirectory programs;
  const std::string program =
      programs.write("systemctl", "#!/bin/sh\n[ \"$4\" = orders.service ] && echo NRestarts=12\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (programs.path() + ":" + path).c_str(), 1);
  Tree tree;
  tree.process(10, 1, 0, "node\0"s, "", "0::/system.slice/orders.service\n");
  const auto restarts = os::read_restarts(tree.procfs(), tree.procfs().process(10));
  tree.process(11, 1, 0, "node\0"s, "", "0::/system.slice/other.service\n");
  const auto none = os::read_restarts(tree.procfs(), tree.procfs().process(11));
  ::setenv("PATH", path.c_str(), 1);
  CHECK(restarts.count == 12);
  CHECK(restarts.source == "systemd: NRestarts of orders.service");
  CHECK_FALSE(none.count);
}

TEST_CASE("memory limits: kills and hits of the limit are read of both versions of groups") {
  Tree tree;
  const TemporaryDirectory mount;
  const std::string pod = mount.path() + "/pods/p1";
  put(mount.path() + "/pods/memory.events", "low 0\noom_kill 9\n");
  put(pod + "/memory.events", "low 0\nhigh 0\nmax 70\noom 4\noom_kill 3\noom_group_kill 0\n");
  put(pod + "/c1/cgroup.procs", "10\n");
  put(pod + "/c1/memory.max", "1048576\n");
  put(pod + "/c1/memory.current", "524288\n");
  put(pod + "/c1/memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n");
  tree.process(10, 1, 0, "node\0"s, "", "0::/pods/p1/c1\n");
  const auto limits = os::read_memory_limits(tree.procfs(), 10, mount.path());
  CHECK(limits.group_max_bytes == 1048576);
  CHECK(limits.oom_kills_count == 1);
  CHECK(limits.limit_hits_count == 12);
  CHECK(limits.parent_group == pod);
  CHECK(limits.parent_oom_kills_count == 3);
  CHECK_FALSE(limits.host_oom_kills_count);

  const std::string v1 = mount.path() + "/memory/docker/ab";
  put(v1 + "/cgroup.procs", "11\n");
  put(v1 + "/memory.limit_in_bytes", "2097152\n");
  put(v1 + "/memory.usage_in_bytes", "1000\n");
  put(v1 + "/memory.failcnt", "45\n");
  put(v1 + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  tree.process(11, 1, 0, "node\0"s, "", "4:memory:/docker/ab\n0::/\n");
  const auto old = os::read_memory_limits(tree.procfs(), 11, mount.path());
  CHECK(old.group_max_bytes == 2097152);
  CHECK(old.oom_kills_count == 2);
  CHECK(old.limit_hits_count == 45);
  CHECK(old.parent_group.empty());
  // before Linux 4.13 nobody counted them
  put(v1 + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
  CHECK_FALSE(os::read_memory_limits(tree.procfs(), 11, mount.path()).oom_kills_count);
}
