// heap stat, heap snapshot and heap sample on running processes.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "lib/base/json.h"
#include "lib/os/inspector_signal.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using namespace triage;
using testing::CommandResult;
using testing::NodeService;
using testing::run_triage;
using testing::TemporaryDirectory;

namespace {

/// Any free port for the inspector, so that tests can run side by side.
NodeService growing(const std::string& part) {
  return NodeService("tests/data/heap/growing.js", {part}, {"NODE_OPTIONS=--inspect-port=0"});
}

CommandResult with_inspector(std::vector<std::string> arguments) {
  arguments.emplace_back("--allow-inspector");
  return run_triage(arguments);
}

/// Nothing of triage stays: one port, the service's own, and it answers.
void check_untouched(const NodeService& service) {
  CHECK(os::listening_ports(os::Procfs(), service.pid()).size() == 1);
  CHECK(service.answers());
}

Json stat(const NodeService& service) {
  const CommandResult result =
      with_inspector({"heap", "stat", service.pid_text(), "--gc", "--duration", "4s", "--interval",
                      "250ms", "--pause-budget", "5s", "-o", "json"});
  REQUIRE_MESSAGE(!result.out.empty(), result.error);
  check_untouched(service);
  return Json::parse(result.out);
}

}  // namespace

TEST_CASE("heap stat: JavaScript, Buffers and native memory are told apart without a snapshot") {
  const std::vector<std::pair<std::string, std::string>> leaks{
      {"js", "js_heap"}, {"buffers", "buffers"}, {"native", "native"}};
  for (const auto& leak : leaks) {
    const std::string& part = leak.first;
    CAPTURE(part);
    const NodeService service = growing(part);
    const Json document = stat(service);
    CHECK_MESSAGE(document["grows"] == leak.second, document["parts"].dump());
    CHECK(document["severity"] != "ok");
  }
}

TEST_CASE("heap stat: a service that keeps nothing is ok") {
  const NodeService service = growing("flat");
  const Json document = stat(service);
  CHECK_MESSAGE(document["grows"] == "nothing", document["parts"].dump());
  CHECK(document["severity"] == "ok");
  CHECK(document["cost"]["pause_ms"].get<double>() > 0);
}

TEST_CASE("heap stat: without consent /proc alone tells V8's pages from the rest") {
  const NodeService service = growing("buffers");
  const CommandResult result = run_triage({"heap", "stat", service.pid_text(), "--duration", "3s",
                                           "--interval", "250ms", "-o", "json"});
  const Json document = Json::parse(result.out);
  CHECK_MESSAGE(document["grows"] == "buffers_or_native", document["parts"].dump());
  CHECK(document["points"][0]["heap_used_bytes"].is_null());
  check_untouched(service);
}

TEST_CASE("heap snapshot: without consent nothing happens") {
  const NodeService service = growing("flat");
  const TemporaryDirectory directory;
  const CommandResult result =
      run_triage({"heap", "snapshot", service.pid_text(), "--out", directory.path()});
  CHECK(result.exit_code == 5);
  CHECK(result.error.find("--allow-inspector") != std::string::npos);
  CHECK(std::filesystem::is_empty(directory.path()));
  check_untouched(service);
}

TEST_CASE("heap snapshot: what is forecast above the budget is refused with the forecast") {
  const NodeService service = growing("flat");
  const TemporaryDirectory directory;
  const CommandResult result = with_inspector(
      {"heap", "snapshot", service.pid_text(), "--out", directory.path(), "--pause-budget", "1ms"});
  CHECK(result.exit_code == 5);
  CHECK(result.error.find("would stop the process for about") != std::string::npos);
  CHECK(std::filesystem::is_empty(directory.path()));
  check_untouched(service);
}

TEST_CASE("heap snapshot: three of one session are what heap diff needs") {
  const NodeService service = growing("js");
  const TemporaryDirectory directory;
  const CommandResult result =
      with_inspector({"heap", "snapshot", service.pid_text(), "--out", directory.path(), "--count",
                      "3", "--every", "1s", "--allow-pause", "-o", "json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.error);
  const Json document = Json::parse(result.out);
  REQUIRE(document["files"].size() == 3);
  std::vector<std::string> diff{"heap", "diff"};
  for (const auto& row : document["files"]) {
    CHECK(row["pause_s"].get<double>() > 0);
    CHECK(row["file_bytes"].get<std::int64_t>() < row["snapshot_bytes"].get<std::int64_t>());
    diff.push_back(row["file"].get<std::string>());
  }
  check_untouched(service);
  diff.insert(diff.end(), {"-o", "json"});
  const Json grown = Json::parse(run_triage(diff).out);
  CHECK(grown["id_agreement_ratio"].get<double>() > 0.995);
  CHECK(grown["containers"][0]["class_name"] == "Array");
}

TEST_CASE("heap sample: the line that allocates what stays is named") {
  const NodeService service = growing("js");
  const CommandResult result =
      with_inspector({"heap", "sample", service.pid_text(), "--duration", "2s", "-o", "json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.error);
  const Json document = Json::parse(result.out);
  CHECK(document["sites"][0]["function"] == "js");
  CHECK(document["sites"][0]["place"].get<std::string>().find("growing.js:9") != std::string::npos);
  check_untouched(service);
}

TEST_CASE("heap gate: a running service is held against a limit per request under a load") {
  struct Case {
    std::vector<std::string> service;
    std::string load;
    int exit_code;
    std::string verdict;
  };
  const std::string requests = TRIAGE_SOURCE_DIR "/tests/data/heap/requests.js";
  for (const Case& one : std::vector<Case>{{{"4096", "strings"}, "", 1, "fail"},
                                           {{"4096", "buffers"}, "", 1, "fail"},
                                           {{"0"}, "", 0, "pass"}}) {
    const NodeService service("tests/data/heap/per_request.js", one.service,
                              {"NODE_OPTIONS=--inspect-port=0"});
    const std::string load = "node " + requests + " " + std::to_string(service.port()) + " 500";
    const CommandResult result =
        with_inspector({"heap", "gate", "--target", service.pid_text(), "--load", load,
                        "--requests", "500", "-o", "json"});
    CAPTURE(result.out);
    CHECK(result.exit_code == one.exit_code);
    CHECK(Json::parse(result.out)["verdict"] == one.verdict);
    check_untouched(service);
  }
}

TEST_CASE("heap gate: a load that fails is an error, not a verdict") {
  const NodeService service("tests/data/heap/per_request.js", {"0"},
                            {"NODE_OPTIONS=--inspect-port=0"});
  const CommandResult result = with_inspector(
      {"heap", "gate", "--target", service.pid_text(), "--load", "exit 7", "--requests", "500"});
  CHECK(result.exit_code == 4);
  CHECK(result.error.find("status 7") != std::string::npos);
  check_untouched(service);
}

TEST_CASE("heap snapshot: what Node.js writes near its heap limit is found, waited for and read") {
  const TemporaryDirectory directory;
  const NodeService service("tests/data/heap/growing.js", {"js"},
                            {"NODE_OPTIONS=--heapsnapshot-near-heap-limit=1 "
                             "--max-old-space-size=20 --max-semi-space-size=1 --diagnostic-dir=" +
                             directory.path()});
  const CommandResult result = run_triage(
      {"heap", "snapshot", service.pid_text(), "--at-exit", "--timeout", "2m", "-o", "json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.error);
  const Json document = Json::parse(result.out);
  CHECK(document["ended"] == true);
  REQUIRE(document["files"].size() == 1);
  CHECK(document["files"][0]["nodes_count"].get<int>() > 10'000);
  CHECK(document["files"][0]["cut"] == "");
  CHECK(document["flags"][0] == "--heapsnapshot-near-heap-limit=1");
  CHECK(document["classes"].size() == 10);
  const CommandResult show =
      run_triage({"heap", "show", document["files"][0]["file"].get<std::string>()});
  CHECK(show.exit_code == 0);
}

TEST_CASE("heap snapshot: a process that still runs when the time is over is unknown, not ok") {
  NodeService service = growing("flat");
  const CommandResult running = run_triage(
      {"heap", "snapshot", service.pid_text(), "--at-exit", "--timeout", "1s", "-o", "json"});
  CHECK(Json::parse(running.out)["findings"][0]["id"] == "still_runs");
  check_untouched(service);
}

TEST_CASE("heap sample: the profile that --heap-prof leaves is read, and listed by heap stat") {
  const TemporaryDirectory directory;
  const CommandResult made = testing::run_command(
      {"/usr/bin/env", "node", "--heap-prof", "--heap-prof-interval=1024",
       "--heap-prof-dir=" + directory.path(), "-e",
       "globalThis.kept=[];(function keeper(){for(let i=0;i<30000;i++)kept.push({i})})()"});
  REQUIRE_MESSAGE(made.exit_code == 0, made.error);
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    file = entry.path();
  const CommandResult result = run_triage({"heap", "sample", "--file", file, "-o", "json"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.error);
  const Json document = Json::parse(result.out);
  CHECK(document["sites"][0]["function"] == "keeper");
  CHECK(document["pid"].is_null());
  const NodeService service("tests/data/heap/growing.js", {"flat"},
                            {"NODE_OPTIONS=--heap-prof --heap-prof-dir=" + directory.path()});
  const Json stat = Json::parse(
      run_triage({"heap", "stat", service.pid_text(), "--duration", "0s", "-o", "json"}).out);
  CHECK(stat["files"][0]["file"] == file);
  CHECK(stat["files"][0]["of_target"] == false);
  CHECK(run_triage({"heap", "sample", "--file", TRIAGE_SOURCE_DIR "/README.md"}).exit_code == 7);
  CHECK(run_triage({"heap", "sample", "--file", "/nonexistent.heapprofile"}).exit_code == 2);
}

TEST_CASE("heap stat: a process that V8 ends at its heap limit is told from one that was killed") {
  const NodeService service("tests/data/heap/growing.js", {"js"},
                            {"NODE_OPTIONS=--max-old-space-size=40 --max-semi-space-size=1"});
  const CommandResult result = run_triage({"heap", "stat", service.pid_text(), "--duration", "50s",
                                           "--interval", "50ms", "-o", "json"});
  CHECK(result.exit_code == 1);
  const Json finding = Json::parse(result.out)["findings"][0];
  CHECK(finding["id"] == "ended");
  CHECK_MESSAGE(finding["text"].get<std::string>().find("V8's heap was") != std::string::npos,
                finding.dump());
}

TEST_CASE("heap stat: a worker that is started again while it is looked at is seen") {
  const NodeService service("tests/data/heap/restarting.js");
  const std::string target = "port:" + std::to_string(service.port());
  const CommandResult result = run_triage(
      {"heap", "stat", target, "--duration", "50s", "--interval", "100ms", "-o", "json"});
  CHECK(result.exit_code == 1);
  const Json document = Json::parse(result.out);
  CHECK(document["findings"][0]["id"] == "ended");
  CHECK_MESSAGE(document["restarts"]["new_pid"].is_number(), document["restarts"].dump());
  CHECK(document["restarts"]["new_pid"] != document["pid"]);
  CHECK(document["restarts"]["supervisor"].get<std::string>().find(service.pid_text()) !=
        std::string::npos);
}
