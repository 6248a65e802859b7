#include "tools/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include <boost/program_options.hpp>

#include "lib/base/error.h"

namespace triage {
namespace {

namespace options = boost::program_options;

constexpr const char* project_file_name = ".triage.ini";

/// A variable that users have for another tool, and the option it fills.
struct ForeignVariable {
  const char* name;
  const char* key;
  const char* prefix = "";  ///< put in front of the value
};

constexpr std::array<ForeignVariable, 17> foreign_variables{{
    {"DATABASE_URL", "db"},
    {"PROMETHEUS_URL", "prometheus"},
    {"JAEGER_URL", "jaeger"},
    {"JAEGER_QUERY_URL", "jaeger"},
    {"LOKI_ADDR", "loki"},
    {"LOKI_ORG_ID", "logs.tenant"},
    {"LOKI_USERNAME", "logs.user"},
    {"LOKI_PASSWORD", "logs.password"},
    {"LOKI_BEARER_TOKEN", "logs.bearer-token"},
    {"LOKI_BEARER_TOKEN_FILE", "logs.bearer-token-file"},
    {"LOKI_CA_CERT_PATH", "logs.ca"},
    {"LOKI_CLIENT_CERT_PATH", "logs.cert"},
    {"LOKI_CLIENT_KEY_PATH", "logs.key"},
    {"LOKI_TLS_SKIP_VERIFY", "logs.tls-skip-verify"},
    {"LOKI_CLIENT_RETRIES", "logs.retries"},
    {"LOKI_HTTP_PROXY_URL", "logs.proxy"},
    {"LOKI_QUERY_TAGS", "logs.header", "X-Query-Tags:"},
}};

/// What libpq itself reads (PostgreSQL documentation, 34.15): shown, so that nobody wonders where a
/// connection went.
constexpr std::array<const char*, 13> libpq_variables{
    "PGHOST",        "PGHOSTADDR", "PGPORT",           "PGDATABASE",    "PGUSER",
    "PGPASSWORD",    "PGPASSFILE", "PGSERVICE",        "PGSERVICEFILE", "PGSSLMODE",
    "PGSSLROOTCERT", "PGOPTIONS",  "PGCONNECT_TIMEOUT"};

std::string variable(const SettingsPlaces& places, const std::string& name) {
  const auto found = places.environment.find(name);
  return found == places.environment.end() ? std::string() : found->second;
}

std::string user_file(const SettingsPlaces& places) {
  const std::string base = variable(places, "XDG_CONFIG_HOME");
  if (!base.empty()) return base + "/triage/config.ini";
  const std::string home = variable(places, "HOME");
  return home.empty() ? std::string() : home + "/.config/triage/config.ini";
}

/// The nearest .triage.ini from the working directory upwards; empty when there is none.
std::string project_file(const SettingsPlaces& places) {
  std::error_code ignored;
  for (std::filesystem::path folder = places.working_directory; !folder.empty();
       folder = folder.parent_path()) {
    if (std::filesystem::is_regular_file(folder / project_file_name, ignored))
      return (folder / project_file_name).string();
    if (folder == folder.root_path()) break;
  }
  return {};
}

/// "TRIAGE_POOL_SLOW_AFTER" -> "pool-slow-after": a variable cannot hold the dot of
/// "pool.slow-after", so find() looks for both spellings.
std::string key_of_variable(const std::string& name) {
  constexpr std::string_view prefix = "TRIAGE_";
  if (name.compare(0, prefix.size(), prefix) != 0) return {};
  std::string key = name.substr(prefix.size());
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(c));
  });
  return key;
}

options::parsed_options parse_file(std::ifstream& stream, const std::string& path) {
  const options::options_description none;
  try {
    return options::parse_config_file(stream, none, true);
  } catch (const options::error& error) {
    throw Error(ErrorCode::usage, fmt::format("{}: {}", path, error.what()),
                "write 'key = value' lines under [section] headings");
  }
}

}  // namespace

Settings::Settings(const SettingsPlaces& places, const std::string& config_file,
                   const std::string& profile) {
  const std::string chosen = profile.empty() ? variable(places, "TRIAGE_PROFILE") : profile;
  add_environment(places);
  if (!config_file.empty()) add_file(config_file, chosen, true);
  add_file(project_file(places), chosen, false);
  add_file(user_file(places), chosen, false);
  add_file(places.system_file, chosen, false);
  add_foreign(places);
  if (!chosen.empty() && !profile_seen_)
    throw Error(ErrorCode::usage, fmt::format("no configuration file has a profile '{}'", chosen),
                "see the files in use with: triage config --origin");
}

void Settings::add_environment(const SettingsPlaces& places) {
  Layer layer{"environment", false, {}};
  for (const auto& [name, value] : places.environment)
    if (const std::string key = key_of_variable(name); !key.empty())
      layer.values[key] = {key, value, name};
  layers_.push_back(std::move(layer));
}

void Settings::add_file(const std::string& path, const std::string& profile, bool required) {
  if (path.empty()) return;
  std::ifstream stream(path);
  if (!stream) {
    if (required || ::access(path.c_str(), F_OK) == 0)
      throw Error(ErrorCode::usage, fmt::format("cannot read the configuration file {}", path),
                  "check the path and its permissions");
    return;
  }
  Layer plain{path, true, {}};
  Layer profiled{fmt::format("{} [profile {}]", path, profile), true, {}};
  const std::string prefix = "profile." + profile + ".";
  for (const auto& option : parse_file(stream, path).options) {
    const std::string& key = option.string_key;
    const std::string value = option.value.empty() ? std::string() : option.value.front();
    if (key.rfind("profile.", 0) != 0) {
      plain.values[key] = {key, value, plain.origin};
    } else if (!profile.empty() && key.rfind(prefix, 0) == 0) {
      const std::string rest = key.substr(prefix.size());
      profiled.values[rest] = {rest, value, profiled.origin};
      profile_seen_ = true;
    }
  }
  layers_.push_back(std::move(profiled));
  layers_.push_back(std::move(plain));
}

void Settings::add_foreign(const SettingsPlaces& places) {
  Layer layer{"environment", false, {}};
  for (const ForeignVariable& foreign : foreign_variables)
    if (const std::string value = variable(places, foreign.name); !value.empty())
      layer.values[foreign.key] = {foreign.key, foreign.prefix + value, foreign.name};
  for (const char* name : libpq_variables)
    if (const std::string value = variable(places, name); !value.empty()) {
      const std::string key = fmt::format("libpq.{}", name);
      const bool secret = std::string_view(name) == "PGPASSWORD";
      layer.values[key] = {key, secret ? "***" : value,
                           fmt::format("{}, read by libpq where db leaves it open", name)};
    }
  layers_.push_back(std::move(layer));
}

std::optional<Setting> Settings::find(const std::string& command, const std::string& option) const {
  // A section of the first word, [promq], is for all of its family: promq, promq red, ...
  const std::string family = command.substr(0, command.find('-'));
  const std::array<std::string, 5> keys{
      fmt::format("{}.{}", command, option), fmt::format("{}-{}", command, option),
      fmt::format("{}.{}", family, option), fmt::format("{}-{}", family, option), option};
  for (const auto& layer : layers_) {
    for (const std::string& key : keys) {
      const auto found = layer.values.find(key);
      if (found != layer.values.end()) return found->second;
    }
  }
  return std::nullopt;
}

std::vector<Setting> Settings::all() const {
  std::map<std::string, Setting> merged;
  for (const auto& layer : layers_)
    for (const auto& [key, setting] : layer.values) merged.emplace(key, setting);
  std::vector<Setting> list;
  list.reserve(merged.size());
  for (const auto& [key, setting] : merged) list.push_back(setting);
  return list;
}

void Settings::check_known(const std::set<std::string>& known) const {
  for (const auto& layer : layers_) {
    if (!layer.is_file) continue;
    for (const auto& [key, setting] : layer.values)
      if (!known.contains(key))
        throw Error(ErrorCode::usage, fmt::format("{}: unknown key '{}'", setting.origin, key),
                    "keys are option names, alone or under the [subcommand] that has them");
  }
}

SettingsPlaces current_places() {
  SettingsPlaces places;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      places.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::error_code ignored;
  places.working_directory = std::filesystem::current_path(ignored).string();
  // Lets packagers and tests move the system file; users set the others through XDG_CONFIG_HOME.
  if (const std::string file = variable(places, "TRIAGE_SYSTEM_CONFIG"); !file.empty())
    places.system_file = file;
  return places;
}

}  // namespace triage
