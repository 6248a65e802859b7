// An inspector that misbehaves, and a user who breaks a snapshot off.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "lib/base/json.h"
#include "lib/os/fd.h"
#include "lib/os/inspector_signal.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using namespace triage;
using testing::CommandResult;
using testing::NodeService;
using testing::run_triage;
using testing::TemporaryDirectory;

namespace {

/// One that nobody listens on at this moment.
int free_port() {
  const os::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(socket.get(), generic, size) == 0);
  REQUIRE(::getsockname(socket.get(), generic, &size) == 0);
  return ntohs(address.sin_port);
}

struct Misbehaviour {
  const char* how;
  int exit_code;
  const char* says;
};

constexpr std::array<Misbehaviour, 9> misbehaviours{{
    {"no-upgrade", 4, "127.0.0.1"},
    {"silent", 4, "did not answer in time"},
    {"garbage", 7, ""},
    {"bad-frame", 7, ""},
    {"other-pid", 5, "belongs to another process"},
    {"refuses", 7, "the inspector refused a request: no"},
    {"drops", 4, "closed the connection"},
    {"no-snapshot", 7, "not a heap snapshot"},
    {"half", 7, "not a heap snapshot"},
}};

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("heap snapshot: an inspector that misbehaves is an error of its own, never a hang") {
  for (const auto& one : misbehaviours) {
    CAPTURE(one.how);
    const NodeService service("tests/data/heap/fake_inspector.js", {one.how},
                              {"NODE_OPTIONS=--inspect-port=" + std::to_string(free_port())});
    const TemporaryDirectory directory;
    const CommandResult result =
        run_triage({"heap", "snapshot", service.pid_text(), "--allow-inspector", "--allow-pause",
                    "--out", directory.path(), "--timeout", "30s"});
    CAPTURE(result.error);
    CHECK(result.exit_code == one.exit_code);
    CHECK(result.error.find(one.says) != std::string::npos);
    CHECK(lines_of(result.error) <= 3);
    // nothing that looks like a whole snapshot is left
    for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
      CHECK(entry.path().extension() == ".part");
    CHECK(service.answers());
  }
}

TEST_CASE("heap snapshot: broken off while it streams, the inspector is closed and all runs on") {
  for (const char* signal : {"INT", "TERM"}) {
    CAPTURE(signal);
    const NodeService service("tests/data/heap/growing.js", {"js"},
                              {"NODE_OPTIONS=--inspect-port=0"});
    const TemporaryDirectory directory;
    // the signal comes when the first bytes of the snapshot are on disk
    const std::string script =
        "$0 heap snapshot " + service.pid_text() + " --allow-inspector --allow-pause --out " +
        directory.path() +
        " --count 50 --every 1ms --timeout 4m >/dev/null & pid=$!; while kill -0 $pid && [ ! -s " +
        directory.path() + "/*.part ]; do sleep 0.02; done; kill -" + signal + " $pid; wait $pid";
    const CommandResult result =
        testing::run_command({"/bin/bash", "-m", "-c", script, TRIAGE_PROGRAM});
    CAPTURE(result.error);
    CHECK(result.exit_code == (signal == std::string("INT") ? 130 : 143));
    CHECK(os::listening_ports(os::Procfs(), service.pid()).size() == 1);
    CHECK(service.answers());
  }
}
