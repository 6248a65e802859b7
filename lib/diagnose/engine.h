#pragma once

/// Runs the probes of a runbook side by side under a wall-clock limit. It knows no probe: a Runner
/// given by the program turns a name and options into a document.
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/base/gap.h"
#include "lib/base/session.h"
#include "lib/diagnose/runbook.h"
#include "lib/report/report.h"

namespace triage::diagnose {

/// What a probe gave: a document (JSON text), or nothing and why.
struct ProbeAnswer {
  std::string document;  ///< empty: none
  std::optional<Gap> gap;
  std::vector<Block> drawings = {};  ///< of its own report, for a page
};

/// (subcommand, options as JSON object, session) -> answer. Called from several threads at once;
/// may throw Error, which becomes a gap. It must not refer to anything that ends before the program
/// does: a probe that never returns is left behind with its own copy of the Runner and Session.
using Runner =
    std::function<ProbeAnswer(const std::string& use, const std::string& with, Session& session)>;

/// What a step asks of the documents so far (JSON object), answered by jq.
struct Questions {
  /// Whether `when` holds.
  std::function<bool(const Step& step, const std::string& documents)> condition;
  /// The values of `take` by option, as JSON object; throws Error when one is unknown.
  std::function<std::string(const Step& step, const std::string& documents)> taken;
};

/// Values of the inputs: one text, or several for a list. Absent: not given.
using Inputs = std::map<std::string, std::vector<std::string>>;

/// What became of one step.
struct StepOutcome {
  enum class State { answered, failed, skipped, late };
  State state = State::failed;
  std::string document;   ///< JSON text when answered
  std::string why;        ///< when not
  std::string with = {};  ///< the options of a step with `take`, for a recording
  std::vector<Block> drawings = {};
};
std::string_view name_of(StepOutcome::State state);
/// The inverse; `failed` for another word.
StepOutcome::State step_state_of(std::string_view name);

struct Collection {
  std::map<std::string, StepOutcome> steps;  ///< by id
  std::vector<Gap> gaps;                     ///< in the order of the runbook
  bool abandoned = false;  ///< a probe still runs: leave the program by quick_exit when done
};

/// The `with` of a step with `${input}` replaced: JSON text. A key whose whole value is an input
/// that was not given is left out. Throws Error{malformed} for broken JSON only.
std::string options_of(const Step& step, const Inputs& inputs);

/// Runs all steps; ends within `wall`. Never throws for a probe that failed.
Collection collect(const Runbook& runbook, const Inputs& inputs, const Runner& runner,
                   const Questions& questions, Session& session, std::chrono::milliseconds wall);

/// {"pg": document, "logs": null}: what jq sees; `without` is a probe to leave out.
std::string documents_of(const Runbook& runbook, const Collection& collection,
                         const std::string& without = {});

}  // namespace triage::diagnose
