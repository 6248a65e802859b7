#pragma once

#include <memory>

#include "tools/command.h"

namespace triage {

std::unique_ptr<Command> make_config_command();
std::unique_ptr<Command> make_schema_command();
std::unique_ptr<Command> make_completion_command();
std::unique_ptr<Command> make_man_command();

}  // namespace triage
