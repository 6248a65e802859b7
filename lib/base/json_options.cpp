#include "lib/base/json_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/json.h"
#include "lib/base/units.h"

namespace triage {

std::string option_key(const std::string& name) {
  std::string key = name;
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

JsonOptions::JsonOptions(const Json& values, std::string where)
    : values_(values), where_(std::move(where)) {
  if (!values_.is_object() && !values_.is_null())
    throw Error(ErrorCode::usage, fmt::format("{}: expected a mapping of options", where_));
}

const Json* JsonOptions::find(const OptionInfo& info) {
  const std::string key = option_key(info.name);
  known_.insert(key);
  if (!values_.is_object()) return nullptr;
  const auto found = values_.find(key);
  return found == values_.end() || found->is_null() ? nullptr : &*found;
}

void JsonOptions::wrong(const OptionInfo& info, const std::string& wanted) const {
  throw Error(ErrorCode::usage,
              fmt::format("{}: {}: expected {}", where_, option_key(info.name), wanted));
}

void JsonOptions::visit(const OptionInfo& info, std::string& value) {
  const Json* found = find(info);
  if (found == nullptr) return;
  value = found->is_string() ? found->get<std::string>() : found->dump();
  if (!info.choices.empty() &&
      std::find(info.choices.begin(), info.choices.end(), value) == info.choices.end())
    wrong(info, fmt::format("one of {}", fmt::join(info.choices, ", ")));
}

void JsonOptions::visit(const OptionInfo& info, std::vector<std::string>& values) {
  const Json* found = find(info);
  if (found == nullptr) return;
  if (found->is_string()) {
    values = {found->get<std::string>()};
    return;
  }
  if (!found->is_array()) wrong(info, "a text or a list of texts");
  values.clear();
  for (const auto& item : *found) {
    if (!item.is_string()) wrong(info, "a list of texts");
    values.push_back(item.get<std::string>());
  }
}

void JsonOptions::visit(const OptionInfo& info, bool& value) {
  const Json* found = find(info);
  if (found == nullptr) return;
  // an input of a runbook is a text
  const bool word = found->is_string() && (*found == "true" || *found == "false");
  if (!found->is_boolean() && !word) wrong(info, "true or false");
  value = word ? *found == "true" : found->get<bool>();
}

void JsonOptions::visit(const OptionInfo& info, std::int64_t& value) {
  const Json* found = find(info);
  if (found == nullptr) return;
  if (!found->is_number_integer()) wrong(info, "a whole number");
  value = found->get<std::int64_t>();
}

void JsonOptions::visit(const OptionInfo& info, double& value) {
  const Json* found = find(info);
  if (found == nullptr) return;
  if (!found->is_number()) wrong(info, "a number");
  value = found->get<double>();
}

void JsonOptions::visit(const OptionInfo& info, std::chrono::milliseconds& value) {
  const Json* found = find(info);
  if (found == nullptr) return;
  if (found->is_number() || found->is_string())
    value = parse_duration(found->is_string() ? found->get<std::string>() : found->dump(),
                           where_ + ": " + option_key(info.name));
  else
    wrong(info, "a duration such as 10s");
}

void JsonOptions::finish() const {
  if (!values_.is_object()) return;
  for (const auto& [key, value] : values_.items())
    if (!known_.contains(key))
      throw Error(ErrorCode::usage, fmt::format("{}: unknown option '{}'", where_, key),
                  fmt::format("known options: {}", fmt::join(known_, ", ")));
}

void OptionsWriter::visit(const OptionInfo& info, std::string& value) {
  target_[option_key(info.name)] = value;
}
void OptionsWriter::visit(const OptionInfo& info, std::vector<std::string>& values) {
  target_[option_key(info.name)] = values;
}
void OptionsWriter::visit(const OptionInfo& info, bool& value) {
  target_[option_key(info.name)] = value;
}
void OptionsWriter::visit(const OptionInfo& info, std::int64_t& value) {
  target_[option_key(info.name)] = value;
}
void OptionsWriter::visit(const OptionInfo& info, double& value) {
  target_[option_key(info.name)] = value;
}
void OptionsWriter::visit(const OptionInfo& info, std::chrono::milliseconds& value) {
  target_[option_key(info.name)] = to_duration_text(value);
}

}  // namespace triage
