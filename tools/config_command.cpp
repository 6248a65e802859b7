#include <fmt/format.h>

#include "lib/base/clock.h"
#include "lib/base/redact.h"
#include "lib/probes/outcome.h"
#include "tools/settings.h"
#include "tools/text_commands.h"

namespace triage {
namespace {

/// `triage config [--origin]`: the settings in force, secrets masked.
class ConfigCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "config"; }
  [[nodiscard]] std::string summary() const override {
    return "the settings in force and where each comes from";
  }
  [[nodiscard]] Help help() const override {
    return {
        "Settings come from, the strongest first: flags, TRIAGE_* variables, the file named by "
        "--config, the project file .triage.ini (searched upwards), the user file "
        "~/.config/triage/config.ini, the system file /etc/triage/config.ini, and the "
        "variables that other tools use (DATABASE_URL, PROMETHEUS_URL, JAEGER_URL, those of "
        "logcli). PG* variables and pg_service.conf are read by libpq where --db leaves "
        "something open. Files are INI: keys without a section are for all commands, [pool] "
        "for one, [profile.prod] and [profile.prod.pool] with --profile prod.",
        {{"triage config --origin", "each value with the file or variable it comes from"},
         {"triage config --profile prod -o json", "the same for machines, with a profile"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"origin", "show where each value comes from", {}, {}, false, false, 0}, origin_);
  }

  Outcome run(Session& session, const Settings& settings, Recording& /*recording*/) override {
    std::vector<Setting> all = settings.all();
    for (auto& setting : all)
      if (setting.key.ends_with("password") || setting.key.ends_with("bearer-token"))
        setting.value = "***";
    Outcome outcome;
    outcome.document = {{"schema", "triage/config/1"},
                        {"at", to_rfc3339(session.clock().now())},
                        {"settings", to_json(all)}};
    outcome.report.title = "triage config";
    outcome.report.headline = fmt::format("{} settings in force", all.size());
    Table table{{{"key", false, false}, {"value", false, true}}, {}};
    if (origin_) table.columns.push_back({"origin", false, true});
    for (const auto& setting : all) {
      table.rows.push_back({setting.key, setting.value});
      if (origin_) table.rows.back().push_back(setting.origin);
    }
    outcome.report.sections.push_back({"SETTINGS", "", {std::move(table)}, false});
    return outcome;
  }

 private:
  bool origin_ = false;
};

}  // namespace

std::unique_ptr<Command> make_config_command() {
  return std::make_unique<ConfigCommand>();
}

}  // namespace triage
