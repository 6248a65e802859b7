// The inspector of a running Node.js, opened and closed again.
#include <doctest/doctest.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/os/inspector_signal.h"
#include "lib/v8/inspector.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using namespace triage;
using testing::NodeService;

namespace {

struct World {
  SystemClock clock;
  Session session{clock};
  os::Procfs procfs;
};

/// --inspect-port=0: any free port, so that tests can run side by side.
NodeService quiet_service() {
  return NodeService("tests/data/inspector/service.js", {}, {"NODE_OPTIONS=--inspect-port=0"});
}

}  // namespace

TEST_CASE("inspector: without consent nothing is sent") {
  World world;
  const NodeService service = quiet_service();
  const auto process = world.procfs.process(service.pid());
  CHECK_THROWS_AS(v8::Inspector(world.procfs, process, {}, world.session), Error);
  CHECK(os::listening_ports(world.procfs, service.pid()).size() == 1);
}

TEST_CASE("inspector: it is opened by the signal, answers, and is seen closed again") {
  World world;
  const NodeService service = quiet_service();
  const auto process = world.procfs.process(service.pid());
  for (int round = 0; round < 2; ++round) {
    v8::Inspector inspector(world.procfs, process, v8::InspectorOptions{.allowed = true},
                            world.session);
    CHECK(inspector.opened_here());
    CHECK(inspector.evaluate("1 + 1") == 2);
    CHECK_THROWS_AS(inspector.evaluate("nothing.at.all"), Error);
    CHECK_THROWS_AS(inspector.request("No.suchMethod"), Error);
    CHECK(os::listening_ports(world.procfs, service.pid()).size() == 2);
    CHECK(inspector.close());
  }
  CHECK(os::listening_ports(world.procfs, service.pid()).size() == 1);
  CHECK(service.answers());
  CHECK(world.session.touched().back().detail.find("seen closed") != std::string::npos);
}

TEST_CASE("inspector: one that was open before stays open") {
  World world;
  const NodeService service("tests/data/inspector/service.js", {},
                            {"NODE_OPTIONS=--inspect=127.0.0.1:0"});
  const auto process = world.procfs.process(service.pid());
  {
    v8::Inspector inspector(world.procfs, process, {.allowed = true}, world.session);
    CHECK_FALSE(inspector.opened_here());
    CHECK(inspector.evaluate("process.pid") == service.pid());
  }
  CHECK(os::listening_ports(world.procfs, service.pid()).size() == 2);
}

TEST_CASE("inspector: a process that does not catch the signal is never signalled") {
  World world;
  const NodeService service = quiet_service();
  CHECK_FALSE(os::catches_signal("SigCgt:\t0000000100004402\n", 10));
  CHECK(os::catches_signal("Name:\tx\nSigCgt:\t0000000100004602\n", 10));
  const auto shell = world.procfs.process(::getpid());  // doctest catches no SIGUSR1
  CHECK_THROWS_AS(os::send_inspector_signal(world.procfs, shell.id), Error);
}

TEST_CASE("inspector: an application with a handler of its own is told apart") {
  World world;
  NodeService service("tests/data/inspector/service.js", {"own-handler"},
                      {"NODE_OPTIONS=--inspect-port=0"});
  const auto process = world.procfs.process(service.pid());
  os::send_inspector_signal(world.procfs, process.id);
  CHECK(service.line() == "handled");
  try {
    const v8::Inspector inspector(world.procfs, process, {.allowed = true}, world.session);
    FAIL("it opened");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unreachable);
    CHECK(error.remedy().find("handler of its own") != std::string::npos);
  }
  CHECK(service.answers());
}
