#pragma once

#include <string>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// Finds the process that a selector names: "4127" or "pid:4127", "name:<part of the command
/// line>", "port:<listening TCP port>". Further kinds are one row in the table of target.cpp.
/// Throws Error{usage} for an unknown kind or a bad number, Error{not_found} when nothing matches
/// or when several do; the message then lists the candidates ("4127 node server.js").
ProcessInfo find_target(const Procfs& procfs, const std::string& selector);

/// "pid 4127 (node server.js)", for headers; arguments are cut at 60 columns.
std::string describe_process(const ProcessInfo& process);

}  // namespace triage::os
