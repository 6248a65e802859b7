#pragma once

#include "lib/base/error.h"
#include "lib/base/finding.h"

namespace triage {

/// The documented exit codes, one table for all commands.
enum class ExitCode {
  success = 0,       ///< ran to the end; nothing at or above --fail-on
  finding = 1,       ///< ran to the end; a finding at or above --fail-on
  usage = 2,         ///< wrong usage, configuration or runbook; nothing was touched
  inconclusive = 3,  ///< needed evidence is missing
  unreachable = 4,   ///< target or back end not found or not reachable
  refused = 5,       ///< permission, or a safety budget would be exceeded
  budget = 6,        ///< time or cost budget used up; the partial result was written
  internal = 7,      ///< a source answered nonsense, or a bug of ours
};

ExitCode exit_code_of(ErrorCode code);
/// `fail_on` is the level from which a finding fails the run; `never` is Severity::unknown.
ExitCode exit_code_of(Severity severity, Severity fail_on);

}  // namespace triage
