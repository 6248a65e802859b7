#pragma once

#include "lib/base/json.h"
#include "lib/report/report.h"

namespace triage {

struct Outcome {
  /// `schema`, `at`, `target`, `options`, facts, `findings`, `gaps`, `touched`, ...
  Json document;
  Report report;
  Severity severity = Severity::ok;
  /// A thread of the run never ended: after writing this the program leaves without clean-up.
  bool abandoned = false;
};

}  // namespace triage
