#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string_view>

#include "lib/os/procfs.h"
#include "lib/probes/fds_sample.h"

namespace triage {
class Session;
}

namespace triage::probes::fds {

/// Notes for `duration` which JavaScript opens descriptors in the main thread of a Node.js process,
/// through its inspector. Throws what v8::Inspector throws; all that was set in the target is taken
/// back, also then. `beside` is called ten times a second or more often.
OpenCalls watch_open_calls(const os::Procfs& procfs, const os::ProcessInfo& process,
                           std::chrono::milliseconds duration, const std::function<void()>& beside,
                           Session& session);

/// "Error\n    at openSync (node:fs:571:3)\n    at load (/app/db.js:14:9)" -> the frames of the
/// application, innermost first; those of Node.js where there is none.
std::vector<std::string> application_frames(std::string_view stack);

/// Takes one call as the script in the target sends it. False for another text.
bool take_call(std::string_view payload, std::map<std::int64_t, std::size_t>& call_of_id,
               OpenCalls& calls);

}  // namespace triage::probes::fds
