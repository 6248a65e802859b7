#include "lib/probes/fds_who.h"

#include <doctest/doctest.h>

#include "lib/probes/fds.h"

using namespace triage;
using probes::fds::application_frames;
using probes::fds::OpenCalls;
using probes::fds::ProcessSample;
using probes::fds::take_call;

namespace {

constexpr const char* stack =
    "Error\\n    at send.note (<anonymous>:7:154)\\n    at eval (eval at openSync (node:fs:1:1), "
    "<anonymous>:1:33)\\n    at Object.openSync (node:fs:571:3)\\n    at load (/app/db.js:14:9)\\n"
    "    at Timeout._onTimeout (/app/db.js:3:1)\\n    at listOnTimeout (node:internal/timers:1:1)";

std::string call(int id, const std::string& name, const std::string& target,
                 const std::string& text = stack) {
  return "[" + std::to_string(id) + ",\"" + name + "\",\"" + target + "\",\"" + text + "\"]";
}

}  // namespace

TEST_CASE("fds who: the stack is that of the application, or of Node.js where there is none") {
  const auto frames =
      application_frames("Error\n    at openSync (node:fs:5:3)\n    at load (/a.js:1:2)\n");
  REQUIRE(frames.size() == 1);
  CHECK(frames[0] == "load (/a.js:1:2)");
  const auto own = application_frames("Error\n    at openSync (node:fs:5:3)\n");
  REQUIRE(own.size() == 1);
  CHECK(own[0] == "openSync (node:fs:5:3)");
  CHECK(application_frames("").empty());
}

TEST_CASE("fds who: calls of one stack are one row, and a stream is noted where it was made") {
  OpenCalls calls;
  std::map<std::int64_t, std::size_t> ids;
  CHECK(take_call(call(1, "fs.openSync", "/etc/hosts"), ids, calls));
  CHECK(take_call(call(2, "fs.openSync", "/etc/hosts"), ids, calls));
  CHECK(take_call(call(3, "fs.open", "/etc/hosts",
                       "Error\\n    at ReadStream._construct (node:internal/fs/streams:72:17)"),
                  ids, calls));
  REQUIRE(calls.calls.size() == 1);
  CHECK(calls.calls[0].count == 2);
  CHECK(calls.calls[0].stack.size() == 2);
  CHECK(calls.calls[0].stack[0] == "load (/app/db.js:14:9)");
}

TEST_CASE("fds who: what is no call is refused, cut at any byte") {
  const std::string text = call(1, "net.connect", "localhost:5432");
  for (std::size_t i = 0; i < text.size(); ++i) {
    OpenCalls calls;
    std::map<std::int64_t, std::size_t> ids;
    CHECK_FALSE(take_call(text.substr(0, i), ids, calls));
    CHECK(calls.calls.empty());
  }
}

TEST_CASE(
    "fds who: what is left open is told by the descriptor of a socket and the path of a file") {
  ProcessSample process;
  process.listed = true;
  process.before = {{3, "file", "/etc/hosts"}};
  process.descriptors = {{3, "file", "/etc/hosts"},
                         {4, "file", "/etc/hosts"},
                         {5, "tcp", "socket:[7]"},
                         {6, "file", "/a"}};
  OpenCalls calls;
  calls.calls.push_back({"fs.openSync", "file", "/etc/hosts", {"a (/x.js:1:1)"}, 3, {}});
  calls.calls.push_back({"net.connect", "tcp", "localhost:5432", {"b (/x.js:2:1)"}, 2, {5, 9}});
  calls.calls.push_back({"fs.open", "file", "/a", {"c (/x.js:3:1)"}, 1, {}});
  calls.calls.push_back({"fs.open", "file", "/a", {"d (/x.js:4:1)"}, 1, {}});
  calls.calls.push_back({"child_process.spawn", "pipe", "ls", {"e (/x.js:5:1)"}, 1, {}});
  process.open_calls = calls;
  probes::fds::Sample sample;
  sample.processes = {process};
  const auto result = probes::fds::analyse({}, sample);
  REQUIRE(result.openers.size() == 5);
  CHECK(result.openers[0].open_count == 1);  // one of /etc/hosts was there before
  CHECK_FALSE(result.openers[0].shared);
  CHECK(result.openers[1].open_count == 1);  // 9 is closed again
  CHECK(result.openers[2].shared);           // two places open /a: which keeps it is not told
  CHECK_FALSE(result.openers[4].open_count.has_value());
}
