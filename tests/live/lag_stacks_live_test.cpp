// Which function and line blocked the loop, over some of the kinds of tests/data/lag/kinds.*; all
// of them over all versions of Node.js: tests/bench/lag-stacks. Needs the kernel's perf events
// (root).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <set>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using triage::Json;
using triage::testing::NodeService;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

/// "/.../kinds.cjs:41" of the lines that are marked with the kind.
std::set<std::string> lines_of(const std::string& script, const std::string& kind) {
  const std::string path = fmt::format("{}/{}", TRIAGE_SOURCE_DIR, script);
  std::ifstream file(path);
  std::set<std::string> lines;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.ends_with("// @" + kind)) lines.insert(fmt::format("{}:{}", path, number));
  }
  return lines;
}

std::string without_column(const std::string& place) {
  return place.substr(0, place.rfind(':'));
}

Json lag(const NodeService& service, const std::string& duration) {
  const auto result = run_triage({"lag", service.pid_text(), "--duration", duration, "--exit-zero",
                                  "--crit-stall", "1h", "-o", "json"});
  CHECK_MESSAGE(result.exit_code == 0, result.error);
  return Json::parse(result.out);
}

/// The function that took most of the stalled time.
Json first_culprit(const Json& document) {
  REQUIRE_MESSAGE(!document["culprits"].empty(), document["stalls"].dump(1));
  return document["culprits"][0];
}

void check_kind(const std::string& script, const std::string& kind, const std::string& word) {
  INFO(kind);
  const NodeService service(script, {kind, "120"});
  const Json culprit = first_culprit(lag(service, "2s"));
  const auto lines = lines_of(script, kind);
  REQUIRE_FALSE(lines.empty());
  CHECK_MESSAGE(lines.contains(without_column(culprit["location"])), culprit.dump());
  CHECK_MESSAGE(culprit["word"] == word, culprit.dump());
}

}  // namespace

TEST_CASE("lag_stacks: the line and the reason of a stall are named") {
  check_kind("tests/data/lag/kinds.cjs", "regex", "regex");
  check_kind("tests/data/lag/kinds.cjs", "readfile", "fs sync");
  check_kind("tests/data/lag/kinds.cjs", "exec", "child_process sync");
  check_kind("tests/data/lag/kinds.cjs", "private", "js");
  check_kind("tests/data/lag/kinds.cjs", "microtasks", "microtasks");
  check_kind("tests/data/lag/kinds.mjs", "esm", "js");
}

TEST_CASE("lag_stacks: a pattern is shown with the input's length, never the input") {
  const NodeService service("tests/data/lag/kinds.cjs", {"regex", "120"});
  const Json document = lag(service, "2s");
  CHECK(first_culprit(document)["detail"] == "/^(a+)+$/ on a string of 18");
  CHECK(document.dump().find("aaaaaaaaaaaaaaaa") == std::string::npos);
}

TEST_CASE("lag_stacks: a loop that is blocked for ever is named by its line, and runs on") {
  const NodeService service("tests/data/lag/kinds.cjs", {"nested", "forever"});
  const Json document = lag(service, "1s");
  CHECK(lines_of("tests/data/lag/kinds.cjs", "nested")
            .contains(without_column(first_culprit(document)["location"])));
  bool placed = false;
  for (const auto& finding : document["findings"])
    if (finding["id"] == "culprit" && !finding["location"].is_null())
      placed = finding["location"]["line"].get<int>() > 0;
  CHECK(placed);
}

TEST_CASE("lag_stacks: TypeScript is shown as it was written, by the map beside or inside") {
  for (const std::string script : {"beside.js", "inside.js"}) {
    INFO(script);
    const NodeService service("tests/data/lag/typescript/" + script, {});
    const Json culprit = first_culprit(lag(service, "1s"));
    CHECK(culprit["function"] == "busy");
    CHECK(without_column(culprit["location"]) ==
          fmt::format("{}/tests/data/lag/typescript/src/busy.ts:7", TRIAGE_SOURCE_DIR));
  }
}

TEST_CASE("lag_stacks: a healthy service is not sampled, and none is without being asked") {
  const NodeService idle("tests/data/lag/service.js", {"none"});
  const auto healthy = run_triage(
      {"lag", idle.pid_text(), "--duration", "1s", "--threshold", "400ms", "-o", "json"});
  CHECK(Json::parse(healthy.out)["stacks_count"] == 0);
  const NodeService busy("tests/data/lag/kinds.cjs", {"regex", "120"});
  const auto off =
      run_triage({"lag", busy.pid_text(), "--duration", "1s", "--no-stacks", "-o", "json"});
  const Json document = Json::parse(off.out);
  CHECK(document["stacks_count"] == 0);
  CHECK(document["culprits"].is_null());
}
