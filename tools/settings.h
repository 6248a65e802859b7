#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/base/option_visitor.h"

namespace triage {

/// One configured value and where it came from.
struct Setting {
  std::string key;  ///< "db", or "pool.db" for one subcommand only
  std::string value;
  std::string origin;  ///< "TRIAGE_DB", "/etc/triage/config.ini [profile prod]"
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Setting* /*tag*/) {
  visit("key", self.key, "option, or subcommand.option");
  visit("value", self.value, "the value in force, secrets masked");
  visit("origin", self.origin, "variable or file it comes from");
}

/// Where to look; a value of its own so that tests name their own places.
struct SettingsPlaces {
  std::map<std::string, std::string> environment;
  std::string working_directory;  ///< the project file is searched upwards
  std::string system_file = "/etc/triage/config.ini";
};

/// The layers below the flags: TRIAGE_* > --config file > project file (.triage.ini) > user file
/// ($XDG_CONFIG_HOME/triage/config.ini) > system file > variables of other tools (PROMETHEUS_URL,
/// JAEGER_URL, those of logcli, DATABASE_URL). INI by Boost.Program_options: keys without a section
/// are for all subcommands, [pool] for one, [profile.prod] and [profile.prod.pool] only with
/// --profile prod. Throws Error{usage} with file and line for what cannot be read or is unknown.
class Settings {
 public:
  Settings(const SettingsPlaces& places, const std::string& config_file,
           const std::string& profile);

  /// The value of `option` for `command`: its own key wins over that of its family ("heap" for
  /// "heap-show"), and that over the shared one, within a layer.
  [[nodiscard]] std::optional<Setting> find(const std::string& command,
                                            const std::string& option) const;
  /// All keys in force, sorted.
  [[nodiscard]] std::vector<Setting> all() const;
  /// Throws Error{usage} for a key of a file that `known` does not hold.
  void check_known(const std::set<std::string>& known) const;

 private:
  struct Layer {
    std::string origin;
    bool is_file = false;
    std::map<std::string, Setting> values;
  };
  void add_environment(const SettingsPlaces& places);
  void add_file(const std::string& path, const std::string& profile, bool required);
  void add_foreign(const SettingsPlaces& places);

  std::vector<Layer> layers_;  ///< the strongest first
  bool profile_seen_ = false;
};

/// The place of this process: its environment, its working directory.
SettingsPlaces current_places();

/// Fills the options of `command` that no flag set.
class SettingsVisitor final : public OptionVisitor {
 public:
  SettingsVisitor(const Settings& settings, std::string command, const std::set<std::string>& given)
      : settings_(settings), command_(std::move(command)), given_(given) {}
  void visit(const OptionInfo& info, std::string& value) override;
  void visit(const OptionInfo& info, std::vector<std::string>& values) override;
  void visit(const OptionInfo& info, bool& value) override;
  void visit(const OptionInfo& info, std::int64_t& value) override;
  void visit(const OptionInfo& info, double& value) override;
  void visit(const OptionInfo& info, std::chrono::milliseconds& value) override;

 private:
  std::optional<Setting> find(const OptionInfo& info) const;

  const Settings& settings_;
  std::string command_;
  const std::set<std::string>& given_;
};

}  // namespace triage
