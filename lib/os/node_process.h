#pragma once

#include "lib/os/process_image.h"
#include "lib/os/procfs.h"

namespace triage::os {

/// Throws Error{not_found} that says what the process is instead when it is no 64-bit Node.js
/// process: V8's table for debuggers (v8dbg_*) must be exported by its program or a libnode.
/// Nothing happens when its files cannot be looked at.
void check_node_process(const ProcessInfo& process, const ProcessImage& image);

/// The process that traces it (TracerPid of /proc/<pid>/status); 0 without.
pid_t tracer_of(const Procfs& procfs, pid_t pid);

}  // namespace triage::os
