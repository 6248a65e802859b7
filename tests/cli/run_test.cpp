#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "lib/base/json.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

const std::string own_pid = std::to_string(::getpid());

/// A runbook on this process's descriptors with the given evidence condition.
std::string fds_runbook(const std::string& condition, const std::string& more = {}) {
  return "triage: runbook/v1\nid: mine\ntitle: mine\ninputs: {target: {}}\n"
         "probes:\n  fds: {use: fds, with: {target: '${target}'}}\n"
         "evidence:\n"
         "  many: {if: '" +
         condition +
         "', role: symptom, say: many are open}\n"
         "  sure: {if: 'v(.fds.open_count) >= 1', say: open, then: {files: +3}, else: {files: "
         "-3}}\n"
         "hypotheses:\n  files: {title: files stay open, prior: 9}\n  none: {title: none of "
         "these}\n" +
         more;
}

/// The one line on stderr of a run that must leave with `code` and print nothing.
std::string refused(const std::vector<std::string>& arguments, int code) {
  const auto result = run_triage(arguments);
  CAPTURE(result.error);
  CHECK(result.exit_code == code);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  return result.error;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("run: a runbook of one's own is followed to its verdict") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("mine.yaml", fds_runbook("v(.fds.open_count) >= 1"));
  const auto result = run_triage({"run", file, "--target", own_pid, "-o", "json"});
  CHECK(result.exit_code == 1);
  CHECK(result.error.empty());
  const Json document = Json::parse(result.out);
  CHECK(document["verdict"]["word"] == "confirmed");
  CHECK(document["verdict"]["hypothesis"] == "files");
  CHECK(document["documents"]["fds"]["schema"] == "triage/fds/1");
  CHECK(document["evidence"][1]["provenance"][0]["source"].get<std::string>().find("/proc/") !=
        std::string::npos);
  CHECK_FALSE(document["touched"].empty());
}

TEST_CASE("run: --fail-on never and --exit-zero say the same verdict with another exit code") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("mine.yaml", fds_runbook("v(.fds.open_count) >= 1"));
  CHECK(run_triage({"run", file, "-t", own_pid, "--exit-zero"}).exit_code == 0);
  const auto quiet = run_triage({"run", file, "-t", own_pid, "-q"});
  CHECK(quiet.exit_code == 1);
  CHECK(says(quiet.out, "CONFIRMED"));
  CHECK_FALSE(says(quiet.out, "EVIDENCE"));
}

TEST_CASE("run: mistakes in a runbook are one line with file and line, and nothing is touched") {
  const TemporaryDirectory directory;
  const auto error = [&](const std::string& text) {
    return refused({"run", directory.write("mine.yaml", text), "--target", own_pid}, 2);
  };
  CHECK(says(error("probes: [1, 2"), "mine.yaml:1: not YAML"));
  CHECK(says(error(fds_runbook("true", "hypothesis: {}\n")),
             "mine.yaml:13: unknown key 'hypothesis'"));
  CHECK(says(error(fds_runbook("v(.fds.open_count) >=")),
             "mine.yaml:8: evidence.many.if: jq: syntax"));
  CHECK(says(error(fds_runbook(".fds.open_count >= 1")), "compared without v()"));
  CHECK(says(error(fds_runbook("env.HOME == null")), "'env' is not allowed"));
  std::string other = fds_runbook("true");
  other.replace(other.find("use: fds"), 8, "use: xyz");
  CHECK(says(error(other), "mine.yaml:6: probes.fds: there is no probe 'xyz'; known: pool, "));
  std::string option = fds_runbook("true");
  option.replace(option.find("target: '${"), 6, "tarjet");
  CHECK(says(error(option), "tarjet"));
}

TEST_CASE("run: jq that never ends costs its own evidence only") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("mine.yaml", fds_runbook("last(repeat(1)) == 1"));
  const auto result = run_triage({"run", file, "--target", own_pid, "-o", "json"});
  CHECK(result.exit_code == 3);
  const Json document = Json::parse(result.out);
  CHECK(document["evidence"][0]["state"] == "unknown");
  CHECK(document["evidence"][1]["state"] == "true");
  CHECK(document["gaps"][0]["what"] == "evidence.many.if");
  CHECK(says(document["gaps"][0]["why"], "mine.yaml:8: the jq text was given up"));
}

TEST_CASE("run: wrong use leaves with 2 and says what is known") {
  CHECK(says(refused({"run"}, 2), "built in: auto, db-timeout"));
  CHECK(says(refused({"run", "db-timeuot"}, 2), "built in: auto, db-timeout"));
  CHECK(
      says(refused({"run", "/nonexistent/mine.yaml"}, 2), "/nonexistent/mine.yaml cannot be read"));
  CHECK(says(refused({"run", "/tmp"}, 2), "cannot be read"));
  CHECK(says(refused({"run", "db-timeout", "--input", "colour=red"}, 2), "has no input 'colour'"));
  CHECK(says(refused({"run", "db-timeout", "--input", "red"}, 2), "expected NAME=VALUE"));
  CHECK(says(refused({"run", "db-timeout", "-i", "slow_after=soon", "--db", "x"}, 2), "soon"));
}

TEST_CASE("run: sources that are down are gaps with a remedy, and the others are kept") {
  const TemporaryDirectory directory;
  const auto result = run_triage({"run", "db-timeout", "--target", own_pid, "--db",
                                  "postgresql://app:hunter2@127.0.0.1:1/orders", "--logs",
                                  "/nonexistent.log", "-o", "json"});
  CHECK(result.exit_code == 3);
  CHECK_FALSE(says(result.out, "hunter2"));
  const Json document = Json::parse(result.out);
  CHECK(document["verdict"]["word"] == "inconclusive");
  CHECK(document["documents"]["fds"]["pid"] == ::getpid());
  CHECK(document["documents"]["pg"].is_null());
  CHECK(document["gaps"].size() >= 2);
}

TEST_CASE("run: a target that does not exist is a gap of the run") {
  const auto result = run_triage({"run", "db-timeout", "--target", "4194303", "-o", "json"});
  CHECK(result.exit_code == 3);
  CHECK(says(result.out, "4194303"));
}

TEST_CASE("run: a full disk leaves with 6 and the report still reaches stdout") {
  const auto result =
      run_triage({"run", "db-timeout", "--target", own_pid, "-o", "json=/dev/full"});
  CHECK(result.exit_code == 6);
  CHECK(says(result.error, "No space left"));
  CHECK(says(result.out, "INCONCLUSIVE"));
}

TEST_CASE("run: --list and --check look at runbooks only") {
  const auto list = run_triage({"run", "--list", "-o", "json"});
  CHECK(list.exit_code == 0);
  CHECK(Json::parse(list.out)["runbooks"][1]["id"] == "db-timeout");
  CHECK(run_triage({"run", "db-timeout", "--check"}).exit_code == 0);
  const TemporaryDirectory directory;
  refused({"run", directory.write("mine.yaml", fds_runbook("(((")), "--check"}, 2);
}

TEST_CASE("run: the example of triage-runbook(5) is a sound runbook") {
  std::ifstream page(TRIAGE_SOURCE_DIR "/man/triage-runbook.5");
  std::string example;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == ".nf" || line == ".fi") inside = line == ".nf";
    if (!inside || line == ".nf") continue;
    // roff writes a backslash as \\e
    for (auto at = line.find("\\e"); at != std::string::npos; at = line.find("\\e"))
      line.erase(at + 1, 1);
    example += line + "\n";
  }
  const TemporaryDirectory directory;
  const std::string file = directory.write("example.yaml", example);
  const auto result = run_triage({"run", file, "--check"});
  CHECK_MESSAGE(result.exit_code == 0, result.error);
  CHECK(run_triage({"run", file, "--target", own_pid}).exit_code == 0);
}

TEST_CASE("run: recorded runs of a built-in runbook are asked for by its file") {
  const auto result = run_triage({"run", "latency", "--test"});
  CHECK(result.exit_code == 2);
  CHECK(result.error.find("scenarios/runbooks/latency.yaml --test") != std::string::npos);
}

TEST_CASE("run: --from, --to and --around choose the time of the logs, and say what is of now") {
  const TemporaryDirectory directory;
  const std::string log =
      directory.write("app.log",
                      "{\"time\":\"2026-11-24T01:00:00Z\",\"level\":30,\"msg\":\"one\"}\n"
                      "{\"time\":\"2026-11-24T02:00:00Z\",\"level\":30,\"msg\":\"two\"}\n"
                      "{\"time\":\"2026-11-24T02:01:00Z\",\"level\":30,\"msg\":\"three\"}\n");
  const std::string runbook = directory.write(
      "mine.yaml",
      "triage: runbook/v1\nid: mine\ntitle: mine\ninputs: {logs: {list: true}}\n"
      "window: {since: 10m}\n"
      "probes:\n  logs: {use: logs, with: {file: '${logs}', window: '${since}', to: '${to}'}}\n"
      "evidence:\n  lines: {if: 'v(.logs.window_lines_count) >= 1', role: symptom, say: lines}\n"
      "hypotheses:\n  none: {title: none of these}\n");
  const auto lines = [&](const std::vector<std::string>& window) {
    std::vector<std::string> words{"run", runbook, "--logs", log, "-o", "json"};
    words.insert(words.end(), window.begin(), window.end());
    const auto result = run_triage(words);
    const Json document = Json::parse(result.out);
    CHECK(document["window_to"].is_string());
    CHECK(says(result.out, "they were looked at when this ran"));
    return document["documents"]["logs"]["window_lines_count"].get<int>();
  };
  CHECK(lines({"--around", "2026-11-24T02:00:30Z"}) == 2);
  CHECK(lines({"--around", "2026-11-24T01:00:30Z"}) == 1);
  CHECK(lines({"--from", "2026-11-24T00:30:00Z", "--to", "2026-11-24T02:00:30Z"}) == 2);
  CHECK(lines({"--to", "2026-11-24T01:05:00Z"}) == 1);
  CHECK(says(refused({"run", runbook, "--logs", log, "--to", "yesterday"}, 2), "--to yesterday"));
  CHECK(says(refused({"run", runbook, "--logs", log, "--from", "2026-11-24T02:00:00Z", "--to",
                      "2026-11-24T01:00:00Z"},
                     2),
             "no length"));
  CHECK(says(refused({"run", runbook, "--logs", log, "--around", "2026-11-24T02:00:00Z", "--to",
                      "2026-11-24T01:00:00Z"},
                     2),
             "--around"));
}
