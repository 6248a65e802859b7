#pragma once

#include <memory>

#include "lib/probes/probe.h"
#include "tools/command.h"

namespace triage {

/// The subcommand of one probe.
std::unique_ptr<Command> make_probe_command(const probes::Probe& probe);

}  // namespace triage
