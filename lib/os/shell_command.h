#pragma once

#include <functional>
#include <string>

namespace triage::os {

/// Runs a command line that the user gave with /bin/sh, without input and with its output thrown
/// away, and gives its exit status (128 + the signal that ended it). `stop` is asked several times
/// a second; when it says yes, the command and what it started are ended and the result is -1.
/// Throws Error{internal} when nothing can be started.
int run_shell_command(const std::string& command, const std::function<bool()>& stop);

}  // namespace triage::os
