#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/command.h"

namespace triage {

/// What the command line asks for.
struct Invocation {
  enum class Kind { command, help, version };
  Kind kind = Kind::command;
  Command* command = nullptr;  ///< null with help: the overview
  CommonOptions common;
  std::set<std::string> given;  ///< names of the options that stood on the command line
};

/// Parses argv with CLI11 into the options of the chosen command. Throws Error{usage} for whatever
/// CLI11 does not accept, so that every parse error leaves with 2.
Invocation parse_command_line(const std::vector<std::string>& arguments,
                              const std::vector<std::unique_ptr<Command>>& commands);

}  // namespace triage
