#pragma once

#include "lib/base/json.h"
#include "lib/report/report.h"

namespace triage {

struct Outcome {
  Json
      document;  ///< `schema`, `at`, `target`, `options`, facts, `findings`, `gaps`, `touched`, ...
  Report report;
  Severity severity = Severity::ok;
};

}  // namespace triage
