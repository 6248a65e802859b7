#pragma once

#include <string>

#include "lib/diagnose/engine.h"
#include "lib/diagnose/expressions.h"
#include "lib/diagnose/result.h"

namespace triage::diagnose {

/// When and at what a run looked.
struct Circumstances {
  std::string at;
  std::string target;
  std::string inputs;  ///< JSON object as jq sees it
};

/// The verdict from collected documents. No clock, no file, no network: same documents, same
/// result. (jq runs in a child process.) Throws what Expressions::evaluate throws.
Result conclude(const Runbook& runbook, const Expressions& expressions,
                const Collection& collection, const Circumstances& circumstances,
                const JqLimits& limits);

/// {"db": "...", "logs": ["..."], "service": null} with every input of the runbook.
std::string inputs_json(const Runbook& runbook, const Inputs& inputs);

}  // namespace triage::diagnose
