#include "lib/os/shell_command.h"

#include <doctest/doctest.h>

using namespace triage;  // NOLINT(google-build-using-namespace): one unit

TEST_CASE("shell_command: the status is that of the command, or 128 and its signal") {
  const auto never = [] { return false; };
  CHECK(os::run_shell_command("exit 0", never) == 0);
  CHECK(os::run_shell_command("exit 7", never) == 7);
  CHECK(os::run_shell_command("kill -TERM $$", never) == 128 + 15);
  CHECK(os::run_shell_command("/no/such/program", never) == 127);
}

TEST_CASE("shell_command: a command is ended with what it started when it shall stop") {
  int asked = 0;
  CHECK(os::run_shell_command("sleep 1000 & sleep 1000", [&asked] { return ++asked == 2; }) == -1);
  CHECK(asked == 2);
}
