#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "lib/base/json.h"
#include "lib/store/bundle.h"
#include "tests/support/command.h"

using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

const std::string incident_log =
    std::string(TRIAGE_SOURCE_DIR) + "/tests/data/logs/pino-incident.log";

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Records `arguments` and replays them without: all formats must be the same to the byte.
void check_replay(std::vector<std::string> arguments, const std::vector<std::string>& command) {
  const TemporaryDirectory directory;
  const std::string bundle = directory.path() + "/run.triage";
  const auto outputs = [&](const std::string& name) {
    return std::vector<std::string>{"-o", directory.path() + "/" + name + ".json",
                                    "-o", directory.path() + "/" + name + ".md",
                                    "-o", "human",
                                    "-v"};
  };
  const auto first_outputs = outputs("first");
  arguments.insert(arguments.end(), first_outputs.begin(), first_outputs.end());
  arguments.insert(arguments.end(), {"--record", bundle});
  const auto first = run_triage(arguments);
  auto again = command;
  const auto second_outputs = outputs("second");
  again.insert(again.end(), second_outputs.begin(), second_outputs.end());
  again.insert(again.end(), {"--replay", bundle});
  const auto second = run_triage(again);
  CHECK(first.exit_code == second.exit_code);
  CHECK_FALSE(first.out.empty());
  CHECK(first.out == second.out);
  CHECK(bytes_of(directory.path() + "/first.json") == bytes_of(directory.path() + "/second.json"));
  CHECK(bytes_of(directory.path() + "/first.md") == bytes_of(directory.path() + "/second.md"));
}

}  // namespace

TEST_CASE("record: a replay gives the same bytes, also of a process that is gone since") {
  check_replay({"logs", incident_log}, {"logs"});
  check_replay({"fds", std::to_string(::getpid())}, {"fds"});
  check_replay(
      {"heap", "show", std::string(TRIAGE_SOURCE_DIR) + "/tests/data/heap/small.heapsnapshot"},
      {"heap", "show"});
}

TEST_CASE("record: a replayed run has the same verdict, missing sources included") {
  check_replay({"run", "db-timeout", "--db", "postgresql://a:s3cret@127.0.0.1:1/x", "--logs",
                incident_log, "-t", std::to_string(::getpid())},
               {"run"});
}

TEST_CASE("record: secrets of options and samples are not in the bundle") {
  const TemporaryDirectory directory;
  const std::string bundle = directory.path() + "/run.triage";
  const auto failed =
      run_triage({"pool", "--db", "postgresql://a:s3cret@127.0.0.1:1/x", "--record", bundle});
  CHECK(failed.exit_code == 4);
  const auto entries = triage::store::read_bundle(bundle).entries;
  REQUIRE(entries.size() == 2);
  for (const auto& entry : entries) CHECK(entry.line.find("s3cret") == std::string::npos);
  CHECK(entries[0].line.find("postgresql://a:***@") != std::string::npos);
  // The failure is the result: the replay fails in the same words.
  const auto again = run_triage({"pool", "--replay", bundle});
  CHECK(again.exit_code == 4);
  CHECK(again.error == failed.error);
}

TEST_CASE("replay: a damaged bundle gives what is intact and says what is lost") {
  const TemporaryDirectory directory;
  const std::string bundle = directory.path() + "/run.triage";
  run_triage({"run", "db-timeout", "--logs", incident_log, "-t", std::to_string(::getpid()),
              "--record", bundle});
  std::string bytes = bytes_of(bundle);
  const std::size_t at = bytes.find("probe logs");
  REQUIRE(at != std::string::npos);
  bytes[at + 60] = static_cast<char>(~bytes[at + 60]);
  const std::string damaged = directory.write("damaged.triage", bytes);
  const auto result = run_triage({"run", "--replay", damaged});
  CHECK(result.exit_code == 3);
  CHECK(result.error.find("the entry 'probe logs'") != std::string::npos);
  CHECK(result.out.find("is not in it") != std::string::npos);
}

TEST_CASE("replay: wrong uses say what is right") {
  const TemporaryDirectory directory;
  const std::string bundle = directory.path() + "/run.triage";
  run_triage({"logs", incident_log, "--record", bundle});
  const auto other = run_triage({"fds", "--replay", bundle});
  CHECK(other.exit_code == 2);
  CHECK(other.error.find("triage logs --replay") != std::string::npos);
  CHECK(run_triage({"logs", "--replay", incident_log}).exit_code == 7);
  CHECK(run_triage({"logs", "--replay", "/nonexistent"}).exit_code == 4);
  CHECK(run_triage({"logs", incident_log, "--record", "/nonexistent/a"}).exit_code == 2);
  CHECK(run_triage({"logs", incident_log, "--record", bundle, "--replay", bundle}).exit_code == 2);
  CHECK(run_triage({"logs", incident_log, "--record", bundle, "--watch", "1s"}).exit_code == 2);
  CHECK(run_triage({"logs", incident_log, "--record", "/dev/full"}).exit_code == 6);
}

TEST_CASE("run --test: the recorded runs of the built-in runbooks keep their verdicts") {
  const std::string runbooks = std::string(TRIAGE_SOURCE_DIR) + "/scenarios/runbooks/";
  for (const std::string name : {"db-timeout", "latency", "fd", "leak"}) {
    CAPTURE(name);
    const auto result = run_triage({"run", runbooks + name + ".yaml", "--test", "-o", "json"});
    CAPTURE(result.out);
    CHECK(result.exit_code == 0);
    const auto document = triage::Json::parse(result.out);
    CHECK(document["failed_count"] == 0);
    CHECK(document["passed_count"] >= 2);
  }
}

TEST_CASE("run --test: a verdict that differs, and a bundle that is not there, fail") {
  const TemporaryDirectory directory;
  std::string text =
      bytes_of(std::string(TRIAGE_SOURCE_DIR) + "/scenarios/runbooks/db-timeout.yaml");
  const std::string tests = std::string(TRIAGE_SOURCE_DIR) + "/scenarios/runbooks/tests";
  text = text.substr(0, text.find("\ntests:")) + "\ntests:\n  - {bundle: \"" + tests +
         "/db-timeout/hog.triage\", expect: {verdict: leak}}\n"
         "  - {bundle: nowhere.triage, expect: {verdict: hog}}\n";
  const std::string runbook = directory.write("mine.yaml", text);
  const auto result = run_triage({"run", runbook, "--test"});
  CHECK(result.exit_code == 1);
  CHECK(result.out.find("0 passed, 2 failed") != std::string::npos);
  CHECK(result.out.find("hog confirmed") != std::string::npos);
}

TEST_CASE("show: an evidence of a recorded run comes with its sources and raw values") {
  const std::string bundle =
      std::string(TRIAGE_SOURCE_DIR) + "/scenarios/runbooks/tests/db-timeout/hog.triage";
  const auto result = run_triage({"show", "e1", "--from", bundle});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("SOURCES") != std::string::npos);
  const auto json = run_triage({"show", "e1", "--from", bundle, "-o", "json"});
  const auto document = triage::Json::parse(json.out);
  CHECK(document["evidence"]["n"] == "e1");
  CHECK_FALSE(document["raw"].empty());
  const auto unknown = run_triage({"show", "e99", "--from", bundle});
  CHECK(unknown.exit_code == 4);
  CHECK(unknown.error.find("e1 (") != std::string::npos);
  CHECK(run_triage({"show"}).exit_code == 2);
  CHECK(run_triage({"show", "e1", "--from", incident_log}).exit_code == 7);
}

TEST_CASE("diff: equal results are the same, another verdict differs, other commands are refused") {
  const std::string runbooks = std::string(TRIAGE_SOURCE_DIR) + "/scenarios/runbooks/tests/";
  const std::string hog = runbooks + "db-timeout/hog.triage";
  const auto same = run_triage({"diff", hog, hog, "-o", "json"});
  CHECK(same.exit_code == 0);
  CHECK(triage::Json::parse(same.out)["changed_count"] == 0);
  const auto differ = run_triage(
      {"diff", hog, runbooks + "db-timeout/healthy.triage", "-o", "json", "--fail-on", "warn"});
  CHECK(differ.exit_code == 1);
  const auto document = triage::Json::parse(differ.out);
  CHECK(document["verdict_before"].get<std::string>().starts_with("confirmed"));
  CHECK(document["verdict_after"].get<std::string>().starts_with("healthy"));
  CHECK(document["changed_count"] > 10);
  CHECK(run_triage({"diff", hog}).exit_code == 2);
  CHECK(run_triage({"diff", hog, "/nonexistent"}).exit_code == 4);
}
