// Against a real Node.js process and beside lsof.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/os/fd.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::run_command;
using triage::testing::run_triage;

namespace {

/// A Node.js program that runs until the object goes; the constructor waits for its first line.
class NodeProgram {
 public:
  explicit NodeProgram(const std::string& script) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    output_ = triage::os::Fd(ends[0]);
    const triage::os::Fd writing(ends[1]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(writing.get(), STDOUT_FILENO);
      ::execlp("node", "node", "-e", script.c_str(), nullptr);
      ::_exit(127);
    }
    wait_line();
  }
  NodeProgram(const NodeProgram&) = delete;
  NodeProgram& operator=(const NodeProgram&) = delete;
  ~NodeProgram() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] std::string pid() const { return std::to_string(pid_); }
  /// The next line that it prints.
  std::string wait_line() const {
    std::string line;
    char c = 0;
    while (::read(output_.get(), &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

 private:
  triage::os::Fd output_;
  pid_t pid_ = -1;
};

/// Opens files, a deleted file, pipes, a server with connections, UDP and unix sockets.
constexpr const char* many_kinds = R"(
const fs = require('fs'), net = require('net'), os = require('os');
for (let i = 0; i < 200; i++) fs.openSync('/etc/hosts');
const gone = os.tmpdir() + '/gone-' + process.pid;
fs.openSync(gone, 'w'); fs.unlinkSync(gone);
require('child_process').spawn('sleep', ['1000']).unref();
for (let i = 0; i < 5; i++) require('dgram').createSocket('udp4').bind(0);
fs.watch('/tmp');
const server = net.createServer().listen(0, () => {
  let open = 0;
  for (let i = 0; i < 50; i++)
    net.connect(server.address().port).on('connect', () => { if (++open == 50) console.log('ready'); });
});
)";

Json look(const NodeProgram& program, std::vector<std::string> more) {
  more.insert(more.begin(), {"fds", program.pid(), "-o", "json"});
  const auto result = run_triage(more);
  CHECK(result.error.empty());
  return Json::parse(result.out);
}

}  // namespace

TEST_CASE("fds: it lists the same descriptors as lsof, one by one") {
  const NodeProgram program(many_kinds);
  std::set<std::int64_t> ours;
  const Json document = look(program, {"--list"});
  for (const auto& row : document["descriptors"]) ours.insert(row["number"].get<std::int64_t>());
  std::set<std::int64_t> theirs;
  std::istringstream lines(run_command({"lsof", "-n", "-P", "-p", program.pid(), "-F", "f"}).out);
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 1 && line[0] == 'f' && line[1] >= '0' && line[1] <= '9')
      theirs.insert(std::stoll(line.substr(1)));
  CHECK(theirs.size() > 300);
  CHECK(ours == theirs);
}

TEST_CASE("fds: kinds, peers, watch lists and a file that is open too often are told") {
  const NodeProgram program(many_kinds);
  const Json document = look(program, {"--owners"});
  CHECK(document["network"] == "own");
  CHECK(document["same_file"][0]["count"] == 200);
  CHECK(document["deleted_files"].size() == 1);
  CHECK(document["inotifies"][0]["watches_count"] == 1);
  std::int64_t watched = 0;
  for (const auto& epoll : document["epolls"]) watched += epoll["kinds"].value("tcp", 0);
  CHECK(watched >= 51);
  std::int64_t connections = 0;
  for (const auto& peer : document["peers"]) {
    if (peer["peer"].get<std::string>().rfind("unix", 0) == 0)
      continue;  // stdin or stderr of the test
    connections += peer["connections_count"].get<std::int64_t>();
    CHECK(peer["owner"].get<std::string>().find("pid " + program.pid()) == 0);
  }
  CHECK(connections == 100);
  bool same_file = false;
  for (const auto& finding : document["findings"]) same_file |= finding["id"] == "same_file";
  CHECK(same_file);
}

TEST_CASE("fds: a service without load has nothing wrong") {
  const NodeProgram program("require('http').createServer().listen(0, () => console.log('ready'))");
  const Json document = look(program, {"--duration", "1s"});
  CHECK(document["severity"] == "ok");
  CHECK(document["growth"]["growing"] == false);
}

TEST_CASE("fds: the time to exhaustion of a steady leak is foretold within a tenth") {
  const rlimit low{600, 600};
  const NodeProgram program(R"(
const fs = require('fs'), start = process.hrtime.bigint(); let opened = 0;
console.log('ready');
const timer = setInterval(() => {
  const due = Number(process.hrtime.bigint() - start) / 1e9 * 40;
  try { for (; opened < due; opened++) fs.openSync('/etc/hosts'); }
  catch (error) { clearInterval(timer); console.log(Date.now()); }
}, 5);
setInterval(() => {}, 1000);
)");
  REQUIRE(::prlimit(std::stoi(program.pid()), RLIMIT_NOFILE, &low, nullptr) == 0);
  const Json document = look(program, {"--duration", "3s"});
  REQUIRE(document["growth"]["growing"] == true);
  // The forecast counts from the end of the watch, 3 s after `at` at the earliest.
  const double foretold_ms =
      triage::to_epoch_seconds(triage::parse_rfc3339(document["at"].get<std::string>())) * 1000 +
      3000 + document["growth"]["exhausted_in_s"].get<double>() * 1000;
  const double failed_ms = std::stod(program.wait_line());
  const double left_ms = document["growth"]["exhausted_in_s"].get<double>() * 1000;
  CHECK(std::abs(foretold_ms - failed_ms) < left_ms / 10);
  CHECK(document["growth"]["by_class"][0]["name"] == "/etc/hosts");
}

TEST_CASE("fds: sockets of another network namespace are read in that namespace") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs CAP_SYS_ADMIN for unshare -n");
    return;
  }
  const NodeProgram program(
      "const c = require('child_process').spawn('unshare', ['-n', process.execPath, '-e', "
      "'require(\"net\").createServer().listen(0, () => console.log(\"ready\"))']);"
      "c.stdout.on('data', () => console.log(c.pid));"
      "process.on('SIGTERM', () => c.kill());"
      "setInterval(() => {}, 1000);");
  // The first line is the pid, which the constructor took: look it up as the only child.
  std::string child =
      run_command({"cat", fmt::format("/proc/{0}/task/{0}/children", program.pid())}).out;
  child = child.substr(0, child.find(' '));
  const auto result = run_triage({"fds", child, "-o", "json"});
  const Json document = Json::parse(result.out);
  CHECK(document["network"] == "joined");
  CHECK(document["listeners"].size() == 1);
  ::kill(std::stoi(child), SIGKILL);
}

TEST_CASE("fds: without the right to look, the count and the limit are still known") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root, to become somebody else");
    return;
  }
  const NodeProgram program("setInterval(() => {}, 1000); console.log('ready')");
  const triage::testing::TemporaryDirectory directory;
  const std::string copy = directory.path() + "/triage";
  REQUIRE(run_command({"install", "-m", "755", TRIAGE_PROGRAM, copy}).exit_code == 0);
  REQUIRE(run_command({"chmod", "755", directory.path()}).exit_code == 0);
  const auto result = run_command({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                   copy, "fds", program.pid(), "-o", "json"});
  CHECK(result.exit_code == 3);
  const Json document = Json::parse(result.out);
  CHECK(document["open_count"].get<int>() > 10);
  CHECK(document["soft_limit_count"].get<int>() > 0);
  CHECK(document["by_kind"].is_null());
  CHECK(document["peers"].is_null());
  CHECK(document["severity"] == "unknown");
}

TEST_CASE("fds: the JavaScript that opens is named with what it left open, and nothing stays") {
  const NodeProgram program(R"(
const fs = require('fs'), net = require('net');
const server = net.createServer().listen(0, '127.0.0.1', () => {
  setInterval(function leakFile() { fs.openSync('/etc/hosts'); }, 50);
  setInterval(function leakSocket() { net.connect(server.address().port, '127.0.0.1'); }, 50);
  setInterval(function tidy() { fs.closeSync(fs.openSync('/etc/group')); }, 50);
  setInterval(() => console.log(typeof globalThis.__triage_fds), 200);
  console.log('ready');
});
)");
  const auto refused = run_triage({"fds", program.pid(), "--who", "1s"});
  CHECK(refused.exit_code == 5);
  CHECK(refused.error.find("--allow-inspector") != std::string::npos);
  const auto result =
      run_triage({"fds", program.pid(), "--who", "2s", "--allow-inspector", "-o", "json"});
  REQUIRE_MESSAGE(!result.out.empty(), result.error);
  const Json document = Json::parse(result.out);
  std::map<std::string, Json> by_frame;
  for (const auto& opener : document["openers"])
    if (!opener["stack"].empty())
      by_frame[opener["stack"][0].get<std::string>().substr(0, 15)] = opener;
  const Json file = by_frame["Timeout.leakFil"];
  CHECK(file["target"] == "/etc/hosts");
  CHECK(file["call"] == "fs.openSync");
  CHECK(file["open_count"].get<int>() > 0);
  CHECK(file["shared"] == false);
  const Json socket = by_frame["Timeout.leakSoc"];
  CHECK(socket["opens"] == "tcp");
  CHECK(socket["open_count"].get<int>() > 0);
  CHECK(by_frame["Timeout.tidy [a"]["open_count"] == 0);
  CHECK(document["cost"]["pause_ms"].get<double>() > 0);
  // What it prints from now on was written after the watch: the lines before are skipped.
  std::string line;
  for (int i = 0; i < 200 && line != "undefined"; ++i) line = program.wait_line();
  CHECK(line == "undefined");
}

TEST_CASE("fds: rounds of a watch tell what came since the round before") {
  const NodeProgram program(R"(
const fs = require('fs');
setInterval(() => fs.openSync('/etc/hosts'), 20); console.log('ready');
)");
  const auto result = run_command({"timeout", "-s", "INT", "10", "sh", "-c",
                                   std::string(TRIAGE_PROGRAM) + " fds " + program.pid() +
                                       " --watch 200ms -o ndjson | head -n 8"});
  std::istringstream lines(result.out);
  std::vector<Json> rounds;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) rounds.push_back(Json::parse(line));
  REQUIRE(rounds.size() == 8);
  CHECK(rounds[0]["growth"].is_null());
  CHECK(rounds[1]["growth"]["by_class"][0]["name"] == "/etc/hosts");
  CHECK(rounds[7]["growth"]["growing"] == true);
  CHECK(rounds[7]["growth"]["exhausted_in_s"].get<double>() > 0);
  const auto born = rounds[7]["growth"]["by_class"][0]["born_count"].get<std::int64_t>();
  CHECK(rounds[7]["open_count"].get<std::int64_t>() ==
        rounds[6]["open_count"].get<std::int64_t>() + born);
}

TEST_CASE("fds: the other ends of unix sockets and of a child's channel are named") {
  const triage::testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "/app.sock";
  const NodeProgram program(fmt::format(R"(
const net = require('net');
require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {{}}, 1000)'],
  {{ stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }});
const server = net.createServer().listen('{0}', () => net.connect('{0}').on('connect', () => console.log('ready')));
)",
                                        path));
  const Json document = look(program, {"--owners", "--list"});
  std::map<std::string, std::string> owners;
  for (const auto& peer : document["peers"])
    owners[peer["peer"].get<std::string>()] = peer["owner"].get<std::string>();
  CHECK(owners["unix:" + path].find("pid " + program.pid()) == 0);
  CHECK(owners.count("unix clients of " + path) == 1);
  CHECK(owners["unix pair"].find("setInterval") != std::string::npos);
  const auto sockets = document["sockets"].size();
  CHECK(sockets >= 4);
  run_command({"sh", "-c", fmt::format("kill $(cat /proc/{0}/task/{0}/children)", program.pid())});
}
