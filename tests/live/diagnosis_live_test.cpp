// A short selection of tests/bench/diagnosis: incidents started for real, told by `triage run
// auto`.
#include <doctest/doctest.h>

#include "tests/support/command.h"

using triage::testing::CommandResult;
using triage::testing::run_command;

namespace {

/// Runs one scenario by the benchmark, which leaves with 0 when the first cause is the true one,
/// the report says at least `likely`, and the scenario's own checks hold.
void check_told(const std::string& name) {
  const CommandResult result = run_command({TRIAGE_SOURCE_DIR "/tests/bench/diagnosis", "--only",
                                            "^" + name + "$", "--triage", TRIAGE_PROGRAM});
  CHECK_MESSAGE(result.exit_code == 0, (result.out + result.error));
}

}  // namespace

TEST_CASE("diagnosis: a pattern that backtracks is told from other work of the loop") {
  check_told("latency/regex");
}

TEST_CASE("diagnosis: a lock chain is told, not the statements that wait in it") {
  check_told("db-timeout/lock-chain");
}

TEST_CASE("diagnosis: sockets that the service never closes are told") {
  check_told("fd/close-wait");
}

TEST_CASE("diagnosis: a service that works gets no cause") {
  check_told("healthy/busy");
}
