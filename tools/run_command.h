#pragma once

#include <memory>

#include "lib/base/json_fwd.h"
#include "tools/command.h"

namespace triage {

/// `triage run <runbook>`: the runbook engine on the probes of the registry.
std::unique_ptr<Command> make_run_command();

/// JSON Schema of what --list and --check give.
Json runbooks_schema();

}  // namespace triage
