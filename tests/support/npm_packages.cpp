#include "tests/support/npm_packages.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/command.h"

namespace triage::testing {

void install_packages(const std::string& folder) {
  const std::filesystem::path path = std::filesystem::path(TRIAGE_SOURCE_DIR) / folder;
  // npm writes this file when it has finished.
  if (std::filesystem::exists(path / "node_modules/.package-lock.json")) return;
  const auto result = run_command(
      {"npm", "ci", "--prefix", path.string(), "--no-audit", "--no-fund", "--loglevel=error"});
  REQUIRE_MESSAGE(result.exit_code == 0, "npm ci in " << folder << ": " << result.error);
}

}  // namespace triage::testing
