#pragma once

#include <string>

#include "lib/base/session.h"
#include "lib/diagnose/engine.h"
#include "lib/diagnose/result.h"
#include "lib/report/report.h"

namespace triage::diagnose {

/// The report to read at night: verdict, chain, NOW, DON'T, EVIDENCE, RISKS, LATER, WOULD SETTLE
/// IT.
Report run_report(const Result& result, const Collection& collection,
                  const std::vector<Touch>& touched, const Cost& cost);

}  // namespace triage::diagnose
