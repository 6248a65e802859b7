#include "tools/runbook_tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "lib/base/error.h"
#include "lib/probes/outcome.h"
#include "tools/run_probes.h"

namespace triage {
namespace {

struct TestRow {
  std::string bundle;
  std::string expected;
  std::string got;
  bool passed = false;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TestRow* /*tag*/) {
  visit("bundle", self.bundle, "recorded run, relative to the runbook");
  visit("expected", self.expected, "what the runbook asks for");
  visit("got", self.got, "verdict of the replay, or why there is none");
  visit("passed", self.passed, "whether they agree");
}

/// How sure a verdict is; healthy is none of them.
int strength(const std::string& word) {
  constexpr std::array<std::string_view, 4> words{"inconclusive", "possible", "likely",
                                                  "confirmed"};
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? -1 : static_cast<int>(found - words.begin());
}

bool agrees(const std::map<std::string, std::string>& expected, const std::string& hypothesis,
            const std::string& word) {
  for (const auto& [key, value] : expected) {
    if (key == "verdict" && value != hypothesis) return false;
    if (key == "at_least" && strength(word) < strength(value)) return false;
    if (key == "verdict_at_most" && strength(word) > strength(value)) return false;
  }
  return true;
}

TestRow test(const diagnose::Runbook& runbook, const diagnose::RecordedCase& recorded) {
  TestRow row{recorded.bundle, {}, {}, false};
  for (const auto& [key, value] : recorded.expect)
    row.expected += fmt::format("{}{} {}", row.expected.empty() ? "" : ", ", key, value);
  std::vector<Gap> gaps;
  const auto outcome = attempt(gaps, recorded.bundle, [&] {
    Replay replay((std::filesystem::path(runbook.file).parent_path() / recorded.bundle).string());
    return replay_run(replay, &runbook);
  });
  if (!outcome) {
    row.got = gaps.front().why;
    return row;
  }
  const Json& verdict = outcome->document["verdict"];
  const std::string word = verdict["word"].get<std::string>();
  const std::string hypothesis =
      verdict["hypothesis"].is_string() ? verdict["hypothesis"].get<std::string>() : "none";
  row.got = fmt::format("{} {}", hypothesis, word);
  row.passed = agrees(recorded.expect, hypothesis, word);
  return row;
}

}  // namespace

Outcome runbook_tests(const diagnose::Runbook& runbook, const Session& session) {
  const auto builtin = diagnose::builtin_ids();
  if (std::find(builtin.begin(), builtin.end(), runbook.file) != builtin.end())
    throw Error(
        ErrorCode::usage,
        fmt::format("the recorded runs of the built-in {} are not in the program", runbook.id),
        fmt::format("give its file: triage run scenarios/runbooks/{}.yaml --test", runbook.id));
  std::vector<TestRow> rows;
  for (const auto& recorded : runbook.tests) rows.push_back(test(runbook, recorded));
  const auto passed =
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.passed; });
  const auto failed = static_cast<std::ptrdiff_t>(rows.size()) - passed;
  Outcome outcome;
  outcome.severity = failed > 0 ? Severity::crit : Severity::ok;
  if (rows.empty()) outcome.severity = Severity::unknown;
  outcome.document = {{"schema", "triage/runbook-tests/1"},
                      {"at", to_rfc3339(session.clock().now())},
                      {"runbook", runbook.id},
                      {"passed_count", passed},
                      {"failed_count", failed},
                      {"tests", to_json(rows)}};
  outcome.report.title = fmt::format("triage run {} --test", runbook.id);
  outcome.report.severity = outcome.severity;
  outcome.report.headline = rows.empty() ? "the runbook has no tests"
                                         : fmt::format("{} passed, {} failed", passed, failed);
  Table table{{{"", false, false},
               {"bundle", false, true},
               {"expected", false, true},
               {"got", false, true}},
              {}};
  for (const auto& row : rows) {
    table.rows.push_back({row.passed ? "pass" : "FAIL", row.bundle, row.expected, row.got});
    outcome.report.findings.push_back({row.bundle,
                                       row.passed ? "ok" : "crit",
                                       fmt::format("expected {}, got {}", row.expected, row.got),
                                       {}});
  }
  if (!rows.empty()) outcome.report.sections.push_back({"TESTS", "", {std::move(table)}, false});
  return outcome;
}

Json runbook_tests_schema() {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage run --test"},
          {"type", "object"},
          {"properties",
           {{"schema", {{"const", "triage/runbook-tests/1"}}},
            {"at", {{"type", "string"}}},
            {"runbook", {{"type", "string"}}},
            {"passed_count", {{"type", "integer"}}},
            {"failed_count", {{"type", "integer"}}},
            {"tests", schema_of<std::vector<TestRow>>()}}},
          {"required", {"schema", "at", "runbook", "passed_count", "failed_count", "tests"}}};
}

}  // namespace triage
