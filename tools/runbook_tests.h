#pragma once

#include "lib/base/json_fwd.h"
#include "lib/diagnose/runbook.h"

namespace triage {

struct Outcome;
class Session;

/// `triage run FILE --test`: replays each recorded run of the runbook's `tests` by this runbook and
/// compares the verdict. A bundle's path is relative to the runbook's file. Severity crit when one
/// differs or cannot be read, unknown when there are none.
Outcome runbook_tests(const diagnose::Runbook& runbook, const Session& session);

Json runbook_tests_schema();

}  // namespace triage
