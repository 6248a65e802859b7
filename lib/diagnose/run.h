#pragma once

/// `triage run`: the entry of the room for the program.
///
///   const Runbook runbook = load_runbook(find_builtin("db-timeout"), "db-timeout");
///   const RunOutcome outcome = run(runbook, {inputs, names, runner, check}, session);
///   // outcome.document, outcome.report, outcome.severity -> exit code
#include "lib/base/json.h"
#include "lib/diagnose/engine.h"
#include "lib/diagnose/jq.h"
#include "lib/diagnose/runbook.h"
#include "lib/report/report.h"

namespace triage::diagnose {

struct RunRequest {
  Inputs inputs;  ///< by name; a default of the runbook fills what is absent
  std::vector<std::string> known_probes;  ///< subcommands that the Runner has
  Runner runner;
  /// Looks at the options of a step without touching anything; throws Error{usage}. May be empty.
  std::function<void(const std::string& use, const std::string& with)> check;
  bool checked = false;  ///< a built-in runbook: its texts were compiled when it was tested
  std::optional<std::chrono::milliseconds> wall;  ///< instead of the runbook's
  JqLimits jq;
  std::optional<Collection> recorded;  ///< of an earlier run: then no probe is asked
};

struct RunOutcome {
  Json document;  ///< triage/run/1
  Report report;
  Severity severity = Severity::ok;  ///< ok: healthy; crit: likely or confirmed; unknown: otherwise
  bool abandoned = false;            ///< a probe still runs: write the result, then quick_exit
  Collection collection;             ///< what the probes gave, for a recording
};

/// The options of a step as the Runner gets them in this run: with the defaults of the inputs.
std::string options_in(const Runbook& runbook, const Step& step, const Inputs& given);

/// Checks everything first (inputs, probes, options, jq): Error{usage}, nothing was touched. Then
/// runs; a probe that fails is a gap. The probes end within the wall limit; the jq texts
/// have their own (JqLimits).
RunOutcome run(const Runbook& runbook, const RunRequest& request, Session& session);

/// Only the checks of run(), for `--check`; needs no inputs.
void check_runbook(const Runbook& runbook, const std::vector<std::string>& known_probes,
                   const JqLimits& limits);

/// JSON Schema of triage/run/1.
Json run_schema();

}  // namespace triage::diagnose
