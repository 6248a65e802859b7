#include "lib/os/loop_poll.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace triage::os;
using Kind = LoopEvent::Kind;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// Looks at given moments; collects the events as "exit 12.5 " texts in ms.
struct Looked {
  LoopPoll poll{std::nullopt, 13};
  std::string events;
  void at(double time, bool waits, std::optional<UvLoop::State> state = std::nullopt) {
    poll.step(static_cast<std::int64_t>(time * 1e6), waits, state, [&](const LoopEvent& event) {
      events += event.kind == Kind::wait_exit ? "exit " : "enter ";
      events += std::to_string(event.time_ns / (ms / 10)) + " ";
    });
  }
};

UvLoop::State state(std::int64_t time, std::uint64_t iterations) {
  return {time, iterations};
}

}  // namespace

TEST_CASE("loop poll: an iteration begins at libuv's clock and ends between two looks") {
  Looked loop;
  loop.at(100, true, state(90, 7));
  loop.at(105, false, state(103, 7));  // woken at 103
  loop.at(120, false, state(103, 7));
  loop.at(122, true, state(103, 8));
  CHECK(loop.events == "exit 1035 enter 1210 ");
}

TEST_CASE("loop poll: a loop that never waits is cut by libuv's counter, not by its clock") {
  Looked loop;
  loop.at(100, false, state(99, 7));
  loop.at(101, false, state(100, 7));  // its clock moves before timers run as well
  loop.at(150, false, state(149, 8));
  CHECK(loop.events == "enter 1495 exit 1495 ");
}

TEST_CASE("loop poll: without a counter (libuv 1.44) the clock has to do") {
  Looked loop;
  loop.at(100, false, UvLoop::State{99, std::nullopt});
  loop.at(150, false, UvLoop::State{140, std::nullopt});
  CHECK(loop.events == "enter 1405 exit 1405 ");
}

TEST_CASE("loop poll: a clock that is older than the last look is not believed") {
  Looked loop;
  loop.at(100, true, state(20, 7));
  loop.at(101, false, state(20, 7));  // running already, clock not set yet
  CHECK(loop.events == "exit 1000 ");
  Looked future;
  future.at(100, true, state(20, 7));
  future.at(101, false, state(900'000, 7));
  CHECK(future.events == "exit 1010 ");
}

TEST_CASE("loop poll: without libuv's state only the waits that were seen count") {
  Looked loop;
  loop.at(100, true);
  loop.at(101, false);
  loop.at(130, false);
  loop.at(132, true);
  CHECK(loop.events == "exit 1010 enter 1310 ");
}
