// The scenarios themselves: whether each has what CONTRIBUTING.md asks for.
#include <doctest/doctest.h>

#include "tests/support/command.h"

using triage::testing::CommandResult;
using triage::testing::run_command;

TEST_CASE("scenarios: each has a service, checks, a truth and a variant kept out by the rule") {
  const CommandResult result = run_command({TRIAGE_SOURCE_DIR "/scenarios/scenario", "check"});
  CHECK_MESSAGE(result.exit_code == 0, result.error);
}
