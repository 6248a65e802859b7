#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "lib/base/json.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "tests/support/command.h"
#include "tools/command.h"
#include "tools/help.h"

using triage::Json;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string own_pid() {
  return std::to_string(::getpid());
}

}  // namespace

TEST_CASE("help: every command is listed, and its own help begins with examples") {
  const auto overview = run_triage({"--help"});
  CHECK(overview.exit_code == 0);
  CHECK(overview.error.empty());
  for (const auto& command : triage::make_commands()) {
    CHECK(overview.out.find("\n  " + triage::typed_name(command->name()) + " ") !=
          std::string::npos);
    const auto help = run_triage({command->name(), "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("Examples:") < help.out.find("Usage:"));
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
  }
}

TEST_CASE("command line: whatever cannot be parsed leaves with 2 and one line on stderr") {
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"bogus"},
      {"fds", "--bogus"},
      {"fds"},
      {"fds", "abc"},
      {"fds", "kind:abc"},
      {"pool", "--samples", "many"},
      {"pool", "--slow-after", "10 parsecs"},
      {"fds", "1", "--color", "sometimes"},
      {"fds", "1", "-o", "pdf"},
      {"fds", "1", "-o", "json=/nonexistent/report.json"},
      {"schema", "bogus"},
      {"config", "--profile", "nowhere"},
      {"config", "--config", "/nonexistent.ini"}};
  for (const auto& arguments : wrong) {
    const auto result = run_triage(arguments);
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  }
}

TEST_CASE("output: several formats at once, the format from the file's ending") {
  const TemporaryDirectory directory;
  const std::string json = directory.path() + "/a.json";
  const std::string markdown = directory.path() + "/b.md";
  const auto result = run_triage({"fds", own_pid(), "-o", json, "-o", markdown, "-o", "human"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("DESCRIPTORS") != std::string::npos);
  CHECK(Json::parse(read_file(json))["schema"] == "triage/fds/1");
  CHECK(read_file(markdown).find("### DESCRIPTORS") != std::string::npos);
}

TEST_CASE("output: a full disk leaves with 6 and the result still reaches stdout") {
  const auto result = run_triage({"fds", own_pid(), "-o", "json=/dev/full"});
  CHECK(result.exit_code == 6);
  CHECK(result.error.find("No space left") != std::string::npos);
  CHECK(result.out.find("DESCRIPTORS") != std::string::npos);
}

TEST_CASE("colour: none in a pipe, forced by CLICOLOR_FORCE, never with NO_COLOR") {
  const auto colored = [](const std::vector<std::string>& environment) {
    return run_triage({"fds", own_pid()}, environment).out.find('\x1b') != std::string::npos;
  };
  CHECK_FALSE(colored({}));
  CHECK(colored({"CLICOLOR_FORCE=1"}));
  CHECK_FALSE(colored({"CLICOLOR_FORCE=1", "NO_COLOR=1"}));
}

TEST_CASE("settings: flag over variable over file, and config --origin says which") {
  const TemporaryDirectory directory;
  const std::string file =
      directory.write("config.ini", "db = from-file\n[fds]\ntop = 3\n[profile.prod]\ndb = prod\n");
  const auto top = [&](const std::vector<std::string>& flags,
                       const std::vector<std::string>& environment) {
    std::vector<std::string> arguments{"fds", own_pid(), "--config", file, "-o", "json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Json::parse(run_triage(arguments, environment).out)["options"]["top"].get<int>();
  };
  CHECK(top({}, {}) == 3);
  CHECK(top({}, {"TRIAGE_FDS_TOP=4"}) == 4);
  CHECK(top({"--top", "5"}, {"TRIAGE_FDS_TOP=4"}) == 5);
  const auto shown =
      run_triage({"config", "--origin", "--config", file, "--profile", "prod", "-o", "json"},
                 {"PGHOST=db.internal", "PGPASSWORD=hunter2", "LOKI_ADDR=http://loki:3100",
                  "DATABASE_URL=postgres://app:hunter2@db/orders"});
  CHECK(shown.out.find(file + " [profile prod]") != std::string::npos);
  CHECK(shown.out.find("LOKI_ADDR") != std::string::npos);
  CHECK(shown.out.find("PGHOST, read by libpq") != std::string::npos);
  CHECK(shown.out.find("hunter2") == std::string::npos);
}

TEST_CASE("settings: an unknown key or a broken file is named and leaves with 2") {
  const TemporaryDirectory directory;
  for (const char* text : {"bogus = 1\n", "[pool]\nbogus = 1\n", "[fds\n", "fds top 3\n"}) {
    const auto result = run_triage({"config", "--config", directory.write("c.ini", text)});
    CHECK(result.exit_code == 2);
    CHECK(result.error.find("c.ini") != std::string::npos);
  }
}

TEST_CASE("target: a process that is gone is 4, several matches are listed and are 4") {
  CHECK(run_triage({"fds", "999999999"}).exit_code == 4);
  CHECK(run_triage({"fds", "name:no-such-process"}).exit_code == 4);
  const auto several = run_triage({"fds", "name:/"});
  CHECK(several.exit_code == 4);
  CHECK(several.error.find("matches") != std::string::npos);
}

TEST_CASE("schema: each command publishes one, and every figure has a provenance") {
  for (const auto& probe : triage::probes::registry()) {
    const Json schema = Json::parse(run_triage({"schema", std::string(probe.name)}).out);
    CHECK(schema["properties"]["schema"]["const"] ==
          fmt::format("triage/{}/1", std::string(probe.name)));
  }
  const Json document = Json::parse(run_triage({"fds", own_pid(), "-o", "json"}).out);
  std::string covered;
  for (const auto& entry : document["provenance"])
    for (const auto& figure : entry["figures"]) covered += figure.get<std::string>() + "\n";
  for (const char* key : {"open_count", "soft_limit_count", "used_ratio", "by_kind", "peers"})
    CHECK(covered.find(std::string("/") + key + "\n") != std::string::npos);
}

TEST_CASE("completion: the bash script has no syntax error") {
  const auto script = run_triage({"completion", "bash"});
  CHECK(triage::testing::run_command({"bash", "-n"}, {}, script.out).exit_code == 0);
}
