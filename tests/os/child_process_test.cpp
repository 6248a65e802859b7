#include "lib/os/child_process.h"

#include <doctest/doctest.h>

#include <csignal>
#include <stdexcept>

using triage::os::ChildLimits;
using triage::os::ChildResult;
using triage::os::Emit;
using triage::os::run_bounded;

TEST_CASE("child_process: what it emits comes back whole") {
  const std::string megabyte(1'000'000, 'x');
  const ChildResult result = run_bounded({}, [&](const Emit& emit) {
    emit(megabyte);
    emit("end");
  });
  CHECK(result.end == ChildResult::End::finished);
  CHECK(result.output == megabyte + "end");
}

TEST_CASE("child_process: an endless one is ended and its output kept") {
  ChildLimits limits;
  limits.wall = std::chrono::milliseconds(200);
  const ChildResult result = run_bounded(limits, [](const Emit& emit) {
    emit("first");
    const volatile bool endless = true;
    while (endless) {
    }
  });
  CHECK(result.end == ChildResult::End::timed_out);
  CHECK(result.output == "first");
}

TEST_CASE("child_process: an exception and a crash are told apart") {
  const ChildResult threw =
      run_bounded({}, [](const Emit& /*emit*/) { throw std::runtime_error("no luck"); });
  CHECK(threw.end == ChildResult::End::failed);
  CHECK(threw.why == "no luck");
  CHECK(threw.output.empty());
  const ChildResult crashed = run_bounded({}, [](const Emit& /*emit*/) {
    std::signal(SIGABRT, SIG_DFL);
    std::raise(SIGABRT);
  });
  CHECK(crashed.end == ChildResult::End::killed);
  CHECK(crashed.why.find("signal 6") != std::string::npos);
}
