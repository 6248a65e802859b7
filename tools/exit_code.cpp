#include "tools/exit_code.h"

namespace triage {

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return ExitCode::usage;
    case ErrorCode::not_found:
    case ErrorCode::unreachable:
      return ExitCode::unreachable;
    case ErrorCode::refused:
      return ExitCode::refused;
    case ErrorCode::budget:
      return ExitCode::budget;
    case ErrorCode::malformed:
    case ErrorCode::internal:
      return ExitCode::internal;
  }
  return ExitCode::internal;
}

ExitCode exit_code_of(Severity severity, Severity fail_on) {
  if (severity == Severity::unknown) return ExitCode::inconclusive;
  if (fail_on == Severity::unknown) return ExitCode::success;
  const bool fails =
      severity == Severity::crit || (severity == Severity::warn && fail_on == Severity::warn);
  return fails ? ExitCode::finding : ExitCode::success;
}

}  // namespace triage
