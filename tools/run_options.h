#pragma once

#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/option_visitor.h"
#include "lib/diagnose/engine.h"
#include "lib/diagnose/runbook.h"

namespace triage {

/// The options of `triage run`.
struct RunOptions {
  std::string runbook;
  std::string target;
  std::string db;
  std::vector<std::string> logs;
  std::string service;
  std::string since;
  std::string from;    ///< RFC 3339
  std::string to;      ///< RFC 3339; empty: now
  std::string around;  ///< RFC 3339: half of `since` before it, half after
  std::string baseline;
  std::string prometheus;
  std::string jaeger;
  std::vector<std::string> traces;
  bool allow_inspector = false;
  std::vector<std::string> inputs;  ///< NAME=VALUE
  bool check = false;
  bool test = false;
  bool list = false;
};

void describe(RunOptions& options, OptionVisitor& visitor);

/// What the options say about the inputs of a runbook; `now` ends a window that has no other end.
/// Throws Error{usage}.
diagnose::Inputs inputs_of(const RunOptions& options, const diagnose::Runbook& runbook,
                           WallTime now);

}  // namespace triage
