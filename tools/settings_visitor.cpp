#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iomanip>
#include <sstream>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "tools/settings.h"

namespace triage {
namespace {

[[noreturn]] void wrong(const Setting& setting, const std::string& wanted) {
  throw Error(ErrorCode::usage, fmt::format("{}: {} = '{}': expected {}", setting.origin,
                                            setting.key, setting.value, wanted));
}

template <class Number>
Number number_of(const Setting& setting, const char* wanted) {
  Number value{};
  const char* end = setting.value.data() + setting.value.size();
  const auto [rest, error] = std::from_chars(setting.value.data(), end, value);
  if (error != std::errc() || rest != end) wrong(setting, wanted);
  return value;
}

}  // namespace

std::optional<Setting> SettingsVisitor::find(const OptionInfo& info) const {
  if (given_.contains(info.name)) return std::nullopt;
  return settings_.find(command_, info.name);
}

void SettingsVisitor::visit(const OptionInfo& info, std::string& value) {
  const auto setting = find(info);
  if (!setting) return;
  if (!info.choices.empty() &&
      std::find(info.choices.begin(), info.choices.end(), setting->value) == info.choices.end())
    wrong(*setting, fmt::format("one of {}", fmt::join(info.choices, ", ")));
  value = setting->value;
}

void SettingsVisitor::visit(const OptionInfo& info, std::vector<std::string>& values) {
  const auto setting = find(info);
  if (!setting) return;
  values.clear();
  std::istringstream words(setting->value);
  // a word with blanks, such as a header, stands in quotes
  for (std::string word; words >> std::quoted(word);) values.push_back(word);
}

void SettingsVisitor::visit(const OptionInfo& info, bool& value) {
  const auto setting = find(info);
  if (!setting) return;
  const std::string& text = setting->value;
  const bool yes = text == "true" || text == "1" || text == "yes" || text == "on";
  const bool no = text == "false" || text == "0" || text == "no" || text == "off";
  if (!yes && !no) wrong(*setting, "true or false");
  value = yes;
}

void SettingsVisitor::visit(const OptionInfo& info, std::int64_t& value) {
  if (const auto setting = find(info)) value = number_of<std::int64_t>(*setting, "a whole number");
}

void SettingsVisitor::visit(const OptionInfo& info, double& value) {
  if (const auto setting = find(info)) value = number_of<double>(*setting, "a number");
}

void SettingsVisitor::visit(const OptionInfo& info, std::chrono::milliseconds& value) {
  if (const auto setting = find(info))
    value = parse_duration(setting->value, setting->origin + ": " + setting->key);
}

}  // namespace triage
