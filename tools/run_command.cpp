#include "tools/run_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/json.h"
#include "lib/base/json_options.h"
#include "lib/diagnose/result.h"
#include "lib/diagnose/run.h"
#include "lib/os/file.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "tools/run_options.h"
#include "tools/run_probes.h"
#include "tools/runbook_tests.h"

namespace triage {
namespace {

diagnose::Runbook load(const std::string& name, Recording& recording) {
  if (const Json* kept = recording.kept("runbook"))
    return diagnose::load_runbook(kept->value("text", ""), kept->value("file", ""));
  if (name.empty())
    throw Error(ErrorCode::usage, "which runbook?",
                fmt::format("built in: {}", fmt::join(diagnose::builtin_ids(), ", ")));
  const bool is_path =
      name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
  // one byte more than a runbook may have, so that the loader can refuse it
  const std::string text = is_path ? os::read_head(name, diagnose::max_runbook_bytes + 1)
                                   : std::string(diagnose::find_builtin(name));
  diagnose::Runbook runbook = diagnose::load_runbook(text, name);
  recording.keep("runbook", {{"file", name}, {"text", text}});
  return runbook;
}

/// What --list and --check give: the runbooks that were found to be sound.
Outcome runbooks_outcome(const std::vector<diagnose::Runbook>& runbooks,
                         const std::string& headline, const Session& session) {
  Outcome outcome;
  Json list = Json::array();
  Table table{{{"runbook", false, false}, {"title", false, true}}, {}};
  for (const auto& runbook : runbooks) {
    list.push_back(to_json(diagnose::RunbookFacts{runbook.id, runbook.title, runbook.sha256}));
    table.rows.push_back({runbook.id, runbook.title});
  }
  outcome.document = {{"schema", "triage/runbooks/1"},
                      {"at", to_rfc3339(session.clock().now())},
                      {"runbooks", std::move(list)}};
  outcome.report.title = "triage run";
  outcome.report.headline = headline;
  outcome.report.sections.push_back({"RUNBOOKS", "", {std::move(table)}, false});
  return outcome;
}

void check(const diagnose::Runbook& runbook) {
  diagnose::check_runbook(runbook, probe_names(), {});
  for (const auto& step : runbook.steps) make_call(step.use, diagnose::options_of(step, {}));
}

class RunCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "run"; }
  [[nodiscard]] std::string summary() const override {
    return "follow a runbook: ranked causes, evidence, what to do";
  }
  [[nodiscard]] Help help() const override {
    return {
        "Asks the probes of a runbook side by side, weighs what they say for and against each "
        "known cause, and prints the verdict first: confirmed, likely, possible or "
        "inconclusive, then what to do now, what not to do, and the evidence. It runs no "
        "command of the runbook and changes nothing. A likely or confirmed cause leaves with "
        "1, a healthy service with 0, anything less certain with 3. Built in: " +
            fmt::format("{}", fmt::join(diagnose::builtin_ids(), ", ")) +
            ". The language is described in triage-runbook(5).",
        {{"triage run db-timeout -t port:3000 --db service=orders "
          "--logs orders.log",
          "why connections time out"},
         {"triage run db-timeout --db service=orders --service orders -o report.md",
          "without the process; the report as Markdown"},
         {"triage run ./mine.yaml --check", "check a runbook of your own"}}};
  }
  void describe(OptionVisitor& visitor) override { triage::describe(options_, visitor); }

  Outcome run(Session& session, const Settings& /*settings*/, Recording& recording) override {
    if (options_.list) return list(session);
    const diagnose::Runbook runbook = load(options_.runbook, recording);
    if (options_.check) {
      check(runbook);
      return runbooks_outcome({runbook}, "nothing wrong found; no probe was run", session);
    }
    if (options_.test) return runbook_tests(runbook, session);
    const diagnose::Inputs inputs = inputs_of(options_, runbook, session.clock().now());
    const bool replayed = recording.kept("header") != nullptr;
    const diagnose::RunRequest request = replayed
                                             ? recorded_request(runbook, inputs, session, recording)
                                             : live_request(runbook, inputs, session, recording);
    diagnose::RunOutcome result = diagnose::run(runbook, request, session);
    recording.keep("collection", collection_json(result.collection));
    return {std::move(result.document), std::move(result.report), result.severity,
            result.abandoned};
  }

 private:
  static diagnose::RunRequest live_request(const diagnose::Runbook& runbook,
                                           diagnose::Inputs inputs, const Session& session,
                                           Recording& recording) {
    diagnose::RunRequest request;
    request.inputs = std::move(inputs);
    request.known_probes = probe_names();
    const auto builtin = diagnose::builtin_ids();
    request.checked = std::find(builtin.begin(), builtin.end(), runbook.file) != builtin.end();
    // A probe that never ends outlives this call: so does the recording, which the program owns.
    request.runner = [&recording](const std::string& use, const std::string& with,
                                  Session& own) -> diagnose::ProbeAnswer {
      return answer_of(use, with, own, recording);
    };
    request.check = [](const std::string& use, const std::string& with) { make_call(use, with); };
    request.wall = std::min(
        runbook.wall, std::chrono::duration_cast<std::chrono::milliseconds>(session.remaining()));
    return request;
  }

  static Outcome list(const Session& session) {
    std::vector<diagnose::Runbook> runbooks;
    Recording none;
    for (const auto& id : diagnose::builtin_ids()) runbooks.push_back(load(id, none));
    return runbooks_outcome(runbooks, "built in", session);
  }

  RunOptions options_;
};

}  // namespace

Json runbooks_schema() {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage run --list, --check"},
          {"type", "object"},
          {"properties",
           {{"schema", {{"const", "triage/runbooks/1"}}},
            {"at", {{"type", "string"}}},
            {"runbooks", schema_of<std::vector<diagnose::RunbookFacts>>()}}},
          {"required", {"schema", "at", "runbooks"}}};
}

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace triage
