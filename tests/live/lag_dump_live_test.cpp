// Stacks of real Node.js services that are stuck for ever, beside what their own Error.stack says.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/node_service.h"

using triage::Json;
using triage::testing::NodeService;
using triage::testing::run_triage;

namespace {

constexpr const char* script = "tests/data/lag/stacks.js";

Json dump(const NodeService& service, bool stop) {
  std::vector<std::string> arguments{"lag", "dump", service.pid_text(), "-o", "json"};
  if (stop) arguments.emplace_back("--stop");
  const auto result = run_triage(arguments);
  CHECK(result.exit_code == 0);
  const Json document = Json::parse(result.out);
  for (const auto& thread : document["threads"])
    if (thread["role"] == "main") return thread;
  FAIL("no main thread: " << result.out << result.error);
  return {};
}

/// "name:line" of the frames with a script that is not Node's own.
std::vector<std::string> own_frames(const Json& thread) {
  std::vector<std::string> frames;
  for (const auto& frame : thread["frames"])
    if (frame["kind"] == "js" && frame["package"] == "")
      frames.push_back(frame["function"].get<std::string>() + ":" + frame["line"].dump());
  return frames;
}

/// The main thread once it is inside of the function that blocks.
Json main_thread(const NodeService& service, const std::string& inside, bool stop = false) {
  Json thread;
  for (int i = 0; i < 50; ++i) {
    thread = dump(service, stop);
    const auto frames = own_frames(thread);
    if (!frames.empty() && frames.front().starts_with(inside + ":")) return thread;
  }
  FAIL("never inside of " << inside << ": " << thread.dump(1));
  return thread;
}

/// "(file:line:column)" of the callers, as the service's own Error.stack says.
std::vector<std::string> said_by(NodeService& service) {
  std::vector<std::string> places;
  for (std::string line = service.line(); line != "stack end"; line = service.line()) {
    REQUIRE(line.starts_with("stack at "));
    const std::size_t open = line.find('(');
    if (open != std::string::npos) places.push_back(line.substr(open));
  }
  return places;
}

/// The same of the frames with a script.
std::vector<std::string> read_from_outside(const Json& thread) {
  std::vector<std::string> places;
  for (const auto& frame : thread["frames"])
    if (frame["kind"] == "js")
      places.push_back("(" + frame["url"].get<std::string>() + ":" + frame["line"].dump() + ":" +
                       frame["column"].dump() + ")");
  return places;
}

bool still_runs(const NodeService& service) {
  std::ifstream status("/proc/" + service.pid_text() + "/status");
  bool traced = true;
  bool alive = false;
  for (std::string line; std::getline(status, line);) {
    if (line == "TracerPid:\t0") traced = false;
    if (line.starts_with("State:\tR") || line.starts_with("State:\tS")) alive = true;
  }
  return alive && !traced;
}

}  // namespace

TEST_CASE("lag_dump: a loop that spins for ever is named by function and line") {
  NodeService service(script, {"spin"});
  const auto said = said_by(service);
  for (const bool stop : {false, true}) {
    const Json thread = main_thread(service, "spin", stop);
    // below the two innermost, which went on since the service spoke
    const auto places = read_from_outside(thread);
    REQUIRE(places.size() == said.size() + 1);
    CHECK(std::equal(said.begin() + 1, said.end(), places.begin() + 2));
    CHECK(own_frames(thread) ==
          std::vector<std::string>{"spin:7", "scan:16", "handler:19", "main:27"});
    CHECK(thread["complete"] == true);
    CHECK(thread["failed_count"] == 0);
    CHECK(thread["activity"] == "js");
    CHECK(still_runs(service));
  }
}

TEST_CASE("lag_dump: a regular expression is shown with its pattern and the input's length") {
  const NodeService service(script, {"regex"});
  const Json thread = main_thread(service, "regex");
  CHECK(thread["activity"] == "regex");
  const bool shown = std::any_of(
      thread["frames"].begin(), thread["frames"].end(),
      [](const Json& frame) { return frame["detail"] == "/^(a+)+$/ on a string of 41"; });
  CHECK(shown);
  CHECK(own_frames(thread).at(0) == "regex:8");
}

TEST_CASE("lag_dump: a thread that waits in the kernel is read without stopping it") {
  const NodeService service(script, {"lock"});
  const Json thread = main_thread(service, "lock");
  CHECK(thread["source"] == "system call file");
  CHECK(thread["activity"] == "lock");
  CHECK(thread["state"] == "in futex");
  CHECK(own_frames(thread).at(0) == "lock:10");
  CHECK(still_runs(service));
}

TEST_CASE("lag_dump: JSON.parse is called so") {
  const NodeService service(script, {"json"});
  const Json thread = main_thread(service, "json");
  // the texts that it makes are collected now and then
  CHECK((thread["activity"] == "json" || thread["activity"] == "gc"));
  if (thread["failed_count"] == 0) CHECK(own_frames(thread).at(0) == "json:9");
}

TEST_CASE("lag_dump: a process that is no Node.js gives one line and exit code 4") {
  const auto result = run_triage({"lag", "dump", std::to_string(::getpid())});
  CHECK(result.exit_code == 4);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
}
