#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/command.h"

namespace triage {

/// A command as it is typed: "heap-show" is "heap show".
std::string typed_name(const std::string& name);
/// `triage --help`: examples, then every subcommand with one line.
std::string overview_help(const std::vector<std::unique_ptr<Command>>& commands);
/// `triage <command> --help`: examples first, then the options, then the exit codes.
std::string command_help(Command& command);
/// roff of triage-<command>(1), from the same texts.
std::string command_man_page(Command& command);
/// roff of triage(1).
std::string overview_man_page(const std::vector<std::unique_ptr<Command>>& commands);

}  // namespace triage
