#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "tools/command.h"
#include "tools/probe_command.h"
#include "tools/run_command.h"
#include "tools/text_commands.h"

namespace triage {

std::vector<std::unique_ptr<Command>> make_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_run_command());
  for (const auto& probe : probes::registry()) commands.push_back(make_probe_command(probe));
  commands.push_back(make_show_command());
  commands.push_back(make_diff_command());
  commands.push_back(make_config_command());
  commands.push_back(make_schema_command());
  commands.push_back(make_completion_command());
  commands.push_back(make_man_command());
  return commands;
}

}  // namespace triage
