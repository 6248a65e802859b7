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
#include "tools/recording.h"

namespace triage {
namespace {

struct RunOptions {
  std::string runbook;
  std::string target;
  std::string db;
  std::vector<std::string> logs;
  std::string service;
  std::string since;
  std::string baseline;
  std::vector<std::string> inputs;  ///< NAME=VALUE
  bool check = false;
  bool list = false;
};

void visit_options(RunOptions& options, OptionVisitor& visitor) {
  visitor.visit(
      {"runbook", "built-in runbook, or the path of a file", "RUNBOOK", {}, true, false, 0},
      options.runbook);
  visitor.visit(
      {"target", "one affected process: pid, name:TEXT or port:N", "TARGET", {}, false, false, 't'},
      options.target);
  visitor.visit({"db", "libpq service name or URI of the database", "URI", {}, false, true, 0},
                options.db);
  visitor.visit({"logs",
                 "log file of the service or the database; may be repeated",
                 "FILE",
                 {},
                 false,
                 false,
                 0},
                options.logs);
  visitor.visit(
      {"service", "application_name of the service in the database", "NAME", {}, false, false, 0},
      options.service);
  visitor.visit(
      {"since", "stretch of time that is looked at, such as 15m", "DURATION", {}, false, false, 0},
      options.since);
  visitor.visit(
      {"baseline", "stretch of time before it to compare with", "DURATION", {}, false, false, 0},
      options.baseline);
  visitor.visit({"input",
                 "another input of the runbook; may be repeated",
                 "NAME=VALUE",
                 {},
                 false,
                 false,
                 'i'},
                options.inputs);
  visitor.visit({"check", "only check the runbook; nothing is run", {}, {}, false, false, 0},
                options.check);
  visitor.visit({"list", "list the built-in runbooks", {}, {}, false, false, 0}, options.list);
}

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

std::vector<std::string> probe_names() {
  std::vector<std::string> names;
  for (const auto& probe : probes::registry()) names.emplace_back(probe.name);
  return names;
}

/// A call of the probe with the options of a runbook's `with`; throws Error{usage} for what it does
/// not understand.
std::unique_ptr<probes::Call> make_call(const std::string& use, const std::string& with) {
  const probes::Probe* probe = probes::find_probe(use);
  if (probe == nullptr) throw Error(ErrorCode::usage, fmt::format("there is no probe '{}'", use));
  auto call = probe->call();
  const Json values = parse_json(with, use);
  JsonOptions options(values, use);
  call->describe(options);
  options.finish();
  return call;
}

std::string document_of(const std::string& use, const std::string& with, Session& session,
                        Recording& recording) {
  return dump_json(recording.answer(use, with, *make_call(use, with), session).document);
}

Json collection_json(const diagnose::Collection& collection) {
  Json steps = Json::object();
  for (const auto& [id, step] : collection.steps)
    steps[id] = {{"state", diagnose::name_of(step.state)}, {"why", step.why}};
  return {{"steps", std::move(steps)}, {"gaps", to_json(collection.gaps)}};
}

/// What the probes of a recorded run gave: their documents are made again from what they read.
diagnose::Collection recorded_collection(const diagnose::Runbook& runbook,
                                         const diagnose::Inputs& inputs, const Session& session,
                                         Recording& recording) {
  diagnose::Collection collection;
  const Json* kept = recording.kept("collection");
  const Json states = kept == nullptr ? Json::object() : kept->value("steps", Json::object());
  if (kept != nullptr)
    collection.gaps = from_json<std::vector<Gap>>(kept->value("gaps", Json::array()), "gaps");
  for (const auto& step : runbook.steps) {
    diagnose::StepOutcome& outcome = collection.steps[step.id];
    const Json state = states.value(step.id, Json::object());
    outcome.state = diagnose::step_state_of(state.value("state", "answered"));
    outcome.why = state.value("why", "");
    if (outcome.state != diagnose::StepOutcome::State::answered) continue;
    const std::string with = diagnose::options_in(runbook, step, inputs);
    const auto document = attempt(collection.gaps, step.id, [&] {
      Session own(session.clock());
      return document_of(step.use, with, own, recording);
    });
    outcome.document = document.value_or("");
    if (document) continue;
    outcome.state = diagnose::StepOutcome::State::failed;
    outcome.why = collection.gaps.back().why;
  }
  return collection;
}

diagnose::Inputs inputs_of(const RunOptions& options, const diagnose::Runbook& runbook) {
  diagnose::Inputs inputs;
  for (const auto& text : options.inputs) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorCode::usage, fmt::format("--input {}: expected NAME=VALUE", text));
    inputs[text.substr(0, equals)].push_back(text.substr(equals + 1));
  }
  for (const auto& [name, value] :
       {std::pair{"target", options.target}, std::pair{"service", options.service},
        std::pair{"since", options.since}, std::pair{"baseline", options.baseline}})
    if (!value.empty()) inputs[name] = {value};
  if (!options.logs.empty()) inputs["logs"] = options.logs;
  // db may come from the configuration, for all commands: a runbook without a database ignores it
  const bool has_db = std::any_of(runbook.inputs.begin(), runbook.inputs.end(),
                                  [](const auto& input) { return input.id == "db"; });
  if (!options.db.empty() && has_db) inputs["db"] = {options.db};
  return inputs;
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
  void describe(OptionVisitor& visitor) override { visit_options(options_, visitor); }

  Outcome run(Session& session, const Settings& /*settings*/, Recording& recording) override {
    if (options_.list) return list(session);
    const diagnose::Runbook runbook = load(options_.runbook, recording);
    if (options_.check) {
      check(runbook);
      return runbooks_outcome({runbook}, "nothing wrong found; no probe was run", session);
    }
    diagnose::RunRequest request;
    request.inputs = inputs_of(options_, runbook);
    request.known_probes = probe_names();
    const bool replayed = recording.kept("header") != nullptr;
    if (replayed) {
      request.recorded = recorded_collection(runbook, request.inputs, session, recording);
    } else {
      // A probe that never ends outlives this call: the recording must as well.
      request.runner = [&recording](const std::string& use, const std::string& with,
                                    Session& own) -> diagnose::ProbeAnswer {
        return {document_of(use, with, own, recording), std::nullopt};
      };
    }
    request.check = [](const std::string& use, const std::string& with) { make_call(use, with); };
    request.wall = std::min(
        runbook.wall, std::chrono::duration_cast<std::chrono::milliseconds>(session.remaining()));
    diagnose::RunOutcome result = diagnose::run(runbook, request, session);
    recording.keep("collection", collection_json(result.collection));
    return {std::move(result.document), std::move(result.report), result.severity,
            result.abandoned};
  }

 private:
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
