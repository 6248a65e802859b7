#include "lib/probes/loop_meter.h"

#include <doctest/doctest.h>

using namespace triage::probes::lag;
using triage::os::LoopEvent;
using Kind = LoopEvent::Kind;

namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr int own = 13;

MeterSettings settings(std::size_t keep = 10) {
  MeterSettings values;
  values.start_ns = 1000 * ms;
  values.threshold_ns = 20 * ms;
  values.keep = keep;
  return values;
}

/// A meter that is fed by times in ms since its start.
struct Fed {
  LoopMeter meter;
  explicit Fed(std::size_t keep = 10) : meter(settings(keep)) {
    meter.own_descriptor(own);
    meter.begin_waiting(true);
  }
  void at(double time, Kind kind, int fd = own, std::int64_t timeout = -1) {
    LoopEvent event;
    event.kind = kind;
    event.time_ns = 1000 * ms + static_cast<std::int64_t>(time * 1e6);
    event.fd = fd;
    event.timeout_ms = timeout;
    meter.take(event);
  }
  void iteration(double from, double to) {
    at(from, Kind::wait_exit);
    at(to, Kind::wait_enter);
  }
  std::vector<ObservedStall> finish(double time) {
    meter.finish(1000 * ms + static_cast<std::int64_t>(time * 1e6));
    return meter.worst();
  }
};

}  // namespace

TEST_CASE("loop meter: an iteration above the threshold is a stall, one below is not") {
  Fed fed;
  fed.iteration(10, 29);
  fed.iteration(40, 65);
  const auto stalls = fed.finish(100);
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].start_ms == doctest::Approx(40));
  CHECK(stalls[0].duration_ms == doctest::Approx(25));
  CHECK_FALSE(stalls[0].open);
  CHECK(fed.meter.iterations() == 2);
  CHECK(fed.meter.busy_ns() == 44 * ms);
}

TEST_CASE("loop meter: waiting in a nested loop is not idle") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(11, Kind::wait_enter, 21);
  fed.at(60, Kind::wait_exit, 21);
  fed.at(61, Kind::wait_enter);
  const auto stalls = fed.finish(100);
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].duration_ms == doctest::Approx(51));
}

TEST_CASE("loop meter: a stall is split into own CPU, waiting for a CPU and waiting for a call") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(20, Kind::preempted);
  fed.at(25, Kind::resumed);
  fed.at(40, Kind::blocked);
  fed.meter.label_wait("read", "/dev/slow");
  fed.at(70, Kind::resumed);
  fed.at(80, Kind::wait_enter);
  const auto stalls = fed.finish(100);
  REQUIRE(stalls.size() == 1);
  CHECK(*stalls[0].runqueue_ms == doctest::Approx(5));
  CHECK(*stalls[0].blocked_ms == doctest::Approx(30));
  CHECK(*stalls[0].cpu_ms == doctest::Approx(35));
  REQUIRE(stalls[0].blocked.size() == 1);
  CHECK(stalls[0].blocked[0].call == "read");
  CHECK(stalls[0].blocked[0].ms == doctest::Approx(30));
}

TEST_CASE("loop meter: what the thread did before it waited for events is not part of the stall") {
  Fed fed;
  fed.at(5, Kind::blocked);
  fed.at(10, Kind::resumed);
  fed.at(10, Kind::wait_exit);
  fed.at(40, Kind::wait_enter);
  const auto stalls = fed.finish(100);
  REQUIRE(stalls.size() == 1);
  CHECK(*stalls[0].blocked_ms == 0);
  CHECK(*stalls[0].cpu_ms == doctest::Approx(30));
}

TEST_CASE("loop meter: a stall that runs at the end is open, with its wait") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(20, Kind::blocked);
  fed.meter.label_wait("futex", "");
  const auto stalls = fed.finish(100);
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].open);
  CHECK(stalls[0].start_known);
  CHECK(stalls[0].duration_ms == doctest::Approx(90));
  CHECK(*stalls[0].blocked_ms == doctest::Approx(80));
}

TEST_CASE("loop meter: a loop that is stuck at the start has a lower bound, or its true start") {
  LoopMeter unknown(settings());
  unknown.begin_busy(std::nullopt);
  unknown.finish(1100 * ms);
  REQUIRE(unknown.worst().size() == 1);
  CHECK_FALSE(unknown.worst()[0].start_known);
  CHECK(unknown.worst()[0].duration_ms == doctest::Approx(100));

  LoopMeter known(settings());
  known.begin_busy(400 * ms);
  known.finish(1100 * ms);
  REQUIRE(known.worst().size() == 1);
  CHECK(known.worst()[0].start_known);
  CHECK(known.worst()[0].duration_ms == doctest::Approx(700));
  // only what was observed counts against the wall time
  CHECK(known.busy_ns() == 100 * ms);
}

TEST_CASE("loop meter: a thread that is ready but not on a CPU at the start was waiting for one") {
  LoopMeter meter(settings());
  meter.begin_busy(std::nullopt);
  LoopEvent event;
  event.kind = Kind::resumed;
  event.time_ns = 1300 * ms;
  meter.take(event);
  meter.finish(1310 * ms);
  REQUIRE(meter.worst().size() == 1);
  CHECK(*meter.worst()[0].runqueue_ms == doctest::Approx(300));
  CHECK(*meter.worst()[0].cpu_ms == doctest::Approx(10));
}

TEST_CASE("loop meter: sleeping past the timer is a stall of its own kind") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(11, Kind::wait_enter, own, 50);
  fed.at(161, Kind::wait_exit);
  fed.at(162, Kind::wait_enter, own, 50);
  fed.at(215, Kind::wait_exit);  // 3 ms late: below the threshold
  fed.at(216, Kind::wait_enter);
  const auto stalls = fed.finish(300);
  REQUIRE(stalls.size() == 1);
  CHECK(stalls[0].late_wake_up);
  CHECK(stalls[0].start_ms == doctest::Approx(61));
  CHECK(stalls[0].duration_ms == doctest::Approx(100));
}

TEST_CASE("loop meter: lost records never make a stall") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(12, Kind::lost);
  fed.at(900, Kind::wait_enter);
  CHECK(fed.finish(1000).empty());
}

TEST_CASE("loop meter: an hour of iterations keeps the worst stalls and no more memory") {
  Fed fed(5);
  double at = 0;
  std::int64_t stalls = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const bool stall = i % 1000 == 500;
    const double length = stall ? 21 + i / 100'000.0 : 0.5;
    fed.iteration(at, at + length);
    stalls += stall ? 1 : 0;
    at += length + 3;
  }
  const auto worst = fed.finish(at);
  CHECK(worst.size() == 5);
  CHECK(worst.front().duration_ms == doctest::Approx(21 + 9.995).epsilon(0.001));
  CHECK(fed.meter.stalls_count() == stalls);
  CHECK(fed.meter.timeline().size() <= 120);
  double busy = 0;
  for (const auto& slot : fed.meter.timeline()) busy += slot.busy_ms;
  CHECK(busy * 1e6 == doctest::Approx(static_cast<double>(fed.meter.busy_ns())));
}

TEST_CASE("loop meter: a thread that ends or runs another program ends the observation") {
  Fed fed;
  fed.at(10, Kind::wait_exit);
  fed.at(50, Kind::exec);
  CHECK(fed.meter.ended());
  CHECK(fed.meter.replaced());
  REQUIRE(fed.finish(500).size() == 1);
  CHECK(fed.meter.last_ns() == 1050 * ms);
}
