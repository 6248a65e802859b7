#pragma once

#include <memory>

#include "lib/base/json_fwd.h"
#include "tools/command.h"

namespace triage {

std::unique_ptr<Command> make_config_command();
std::unique_ptr<Command> make_show_command();
Json show_schema();
std::unique_ptr<Command> make_diff_command();
Json diff_schema();
std::unique_ptr<Command> make_schema_command();
std::unique_ptr<Command> make_completion_command();
std::unique_ptr<Command> make_man_command();

}  // namespace triage
