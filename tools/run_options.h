#pragma once

#include <string>
#include <vector>

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

/// What the options say about the inputs of a runbook. Throws Error{usage}.
diagnose::Inputs inputs_of(const RunOptions& options, const diagnose::Runbook& runbook);

}  // namespace triage
