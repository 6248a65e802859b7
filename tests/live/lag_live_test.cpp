// Real Node.js services that block their loop on purpose and log when they did. Needs the kernel's
// tracepoints (root).
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using triage::Json;
using triage::testing::NodeService;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

constexpr const char* script = "tests/data/lag/service.js";

Json lag(const NodeService& service, int exit_code, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"lag", service.pid_text(), "--duration", "3s", "-o", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto result = run_triage(arguments);
  CHECK_MESSAGE(result.exit_code == exit_code, result.error);
  CHECK(result.error.empty());
  return Json::parse(result.out);
}

bool has_finding(const Json& document, const std::string& id) {
  for (const auto& finding : document["findings"])
    if (finding["id"] == id) return true;
  return false;
}

std::string first_word(const Json& document) {
  return document["words"].empty() ? "" : document["words"][0]["word"].get<std::string>();
}

}  // namespace

TEST_CASE("lag: every stall that the service logged is found, and none is invented") {
  NodeService service(script, {"mix"});
  service.line();  // one stall is over: the next ones come after the attach
  const Json document = lag(service, 0, {"--threshold", "5ms"});
  CHECK(document["tier"] == "perf");
  std::vector<double> truth;
  for (const auto& text : service.lines_so_far()) {
    const Json row = Json::parse(text);
    const double start = std::stod(row["start_ns"].get<std::string>());
    truth.push_back((std::stod(row["end_ns"].get<std::string>()) - start) / 1e6);
  }
  std::vector<double> found;
  for (const auto& stall : document["stalls"])
    // on a busy machine an iteration lasts longer than its block, by what it waited for a CPU
    if (!stall["open"] && stall["runqueue_ms"].get<double>() < 1)
      found.push_back(stall["duration_ms"].get<double>());
  // each found one is a logged one, up to what an iteration does besides; the service may log
  // one more before the attach and after the end
  for (const double length : found)
    CHECK_MESSAGE(std::any_of(truth.begin(), truth.end(),
                              [&](double logged) { return std::abs(length - logged) < 5; }),
                  "invented: " << length);
  CHECK(document["stalls_count"].get<std::size_t>() + 4 >= truth.size());
  CHECK(service.answers());
}

TEST_CASE("lag: an idle service has no stalls") {
  const NodeService service(script, {"none"});
  const Json document = lag(service, 0, {"--threshold", "100ms"});
  CHECK(document["severity"] == "ok");
  CHECK(document["stalls_count"] == 0);
  CHECK(document["utilization_ratio"].get<double>() < 0.5);
}

TEST_CASE("lag: waiting for a child process is a stall, although the thread sits in epoll") {
  const NodeService service(script, {"exec", "60", "100"});
  const Json document = lag(service, 0);
  CHECK(first_word(document) == "child_process sync");
  CHECK(document["stalls"][0]["blocked"][0]["object"].get<std::string>().find("sleep") !=
        std::string::npos);
}

TEST_CASE("lag: a file that does not answer is named, and the open stall is reported") {
  const TemporaryDirectory directory;
  const std::string fifo = directory.path() + "/never.fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const NodeService service(script, {"fifo", "0", "50"}, {"FIFO=" + fifo});
  const Json document = lag(service, 1);
  CHECK(has_finding(document, "stuck"));
  const Json stall = document["stalls"][0];
  CHECK(stall["open"] == true);
  CHECK(stall["word"] == "fs sync");
  CHECK(stall["blocked"][0]["object"] == fifo);
  CHECK(stall["cpu_ms"].get<double>() < 100);
}

TEST_CASE("lag: Atomics.wait is a lock, on a worker as well as on the main thread") {
  const NodeService service(script, {"atomics", "60", "100"});
  CHECK(first_word(lag(service, 0)) == "lock");
}

TEST_CASE("lag: a worker's loop is observed beside the main one") {
  const NodeService service(script, {"worker", "60", "100"});
  const Json document = lag(service, 0, {"--warn-stall", "10s", "--crit-stall", "20s"});
  REQUIRE(document["loops"].size() == 2);
  CHECK(document["loops"][0]["role"] == "worker");
  CHECK(document["loops"][0]["stalls_count"].get<int>() >= 3);
  CHECK(document["loops"][1]["role"] == "main");
}

TEST_CASE("lag: a loop that never returns is stuck, and the process runs on") {
  const NodeService service(script, {"microtasks", "1"});
  const Json document = lag(service, 1);
  CHECK(has_finding(document, "stuck"));
  CHECK(document["stalls"][0]["open"] == true);
  CHECK(::kill(service.pid(), 0) == 0);
}

TEST_CASE("lag: a stopped process is called stopped, and stays stopped") {
  const NodeService service(script, {"none"});
  REQUIRE(::kill(service.pid(), SIGSTOP) == 0);
  const Json document = lag(service, 1);
  REQUIRE_FALSE(document["stalls"].empty());
  CHECK(document["stalls"][0]["word"] == "stopped");
  REQUIRE(::kill(service.pid(), SIGCONT) == 0);
  CHECK(service.answers());
}

TEST_CASE("lag: without tracepoints libuv's memory tells the stalls, and since when it is stuck") {
  const NodeService service(script, {"exec", "60", "100"});
  const Json document = lag(service, 0, {"--via", "memory"});
  CHECK(document["tier"] == "memory");
  CHECK(first_word(document) == "child_process sync");
  CHECK(document["stalls_count"].get<int>() >= 3);
  CHECK(service.answers());

  const NodeService stuck(script, {"microtasks", "1"});
  const Json again = lag(stuck, 1, {"--via", "memory"});
  CHECK(has_finding(again, "stuck"));
  CHECK(again["stalls"][0]["start_known"] == true);
  CHECK(again["stalls"][0]["start_ms"].get<double>() <= 0);
}

TEST_CASE("lag: with nothing but /proc the main loop is still told from a nested one") {
  const NodeService service(script, {"exec", "60", "100"});
  const Json document = lag(service, 0, {"--via", "proc", "--crit-stall", "10s"});
  CHECK(document["tier"] == "proc");
  CHECK(document["stalls_count"].get<int>() >= 3);
  CHECK(first_word(document) == "child_process sync");
}

TEST_CASE("lag: a full thread pool is seen from outside") {
  const NodeService service(script, {"pool"});
  const Json document = lag(service, 0, {"--crit-stall", "10s"});
  CHECK(has_finding(document, "pool_full"));
  CHECK(document["pool"]["threads_count"] == 4);
}

TEST_CASE("lag: a process that ends in the middle gives what was seen, at once") {
  const NodeService service(script, {"ends", "2000"});
  const Json document = lag(service, 0);
  CHECK(document["loops"][0]["ended"] == "the process ended");
  CHECK(has_finding(document, "ended"));
}

TEST_CASE("lag: what is no Node.js process is one line that says what it is") {
  const auto shell = run_triage({"lag", std::to_string(::getpid())});
  CHECK(shell.exit_code == 4);
  CHECK(shell.out.empty());
  CHECK(shell.error.find("is not a Node.js process") != std::string::npos);
  CHECK(std::count(shell.error.begin(), shell.error.end(), '\n') == 1);
  const auto kernel = run_triage({"lag", "2"});
  CHECK(kernel.exit_code == 4);
  CHECK(run_triage({"lag"}).exit_code == 2);
}
