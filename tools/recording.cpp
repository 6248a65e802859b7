#include "tools/recording.h"

#include <fmt/format.h>

#include <algorithm>

namespace triage {
namespace {

/// The name of a probe's entry: its options are part of it, with secrets masked.
std::string entry_name(std::string_view use, const std::string& with) {
  if (with.empty()) return fmt::format("probe {}", use);
  Redactor redactor;
  return fmt::format("probe {} {}", use, dump_json(redactor.apply(parse_json(with, use))));
}

Json error_json(const Error& error) {
  return {{"code", name_of(error.code())}, {"what", error.what()}, {"remedy", error.remedy()}};
}

}  // namespace

Outcome Recording::answer(std::string_view /*use*/, const std::string& /*with*/, probes::Call& call,
                          Session& session) {
  return call.run(session);
}

void Recording::keep(std::string_view /*name*/, const Json& /*value*/) {}

const Json* Recording::kept(std::string_view /*name*/) const {
  return nullptr;
}

Json Recorder::masked(const Json& value) {
  const std::lock_guard lock(mutex_);
  return redactor_.apply(value);
}

void Recorder::write(std::string_view name, const Json& value) {
  const std::string line = dump_json(value);
  const std::lock_guard lock(mutex_);
  writer_.append(name, line);
}

void Recorder::keep(std::string_view name, const Json& value) {
  write(name, masked(value));
}

Outcome Recorder::answer(std::string_view use, const std::string& with, probes::Call& call,
                         Session& session) {
  const std::string label = fmt::format("probe {}", use);
  Json entry{{"name", entry_name(use, with)}};
  try {
    entry["sample"] = call.collect(session);
  } catch (const Error& error) {
    entry["error"] = error_json(error);
    keep(label, entry);
    throw;
  }
  session.freeze();
  entry["touched"] = to_json(session.touched());
  entry["cost"] = to_json(session.cost());
  // Masked once, before it is analysed: this run and a replay see the same.
  entry = masked(entry);
  write(label, entry);
  return call.analyse(entry["sample"], session);
}

Replay::Replay(const std::string& path) : path_(path) {
  store::Bundle bundle = store::read_bundle(path);
  lost_ = std::move(bundle.lost);
  for (const auto& entry : bundle.entries) {
    Json value = Json::parse(entry.line, nullptr, false);
    if (!value.is_object()) {
      lost_.push_back(fmt::format("the entry '{}' is not JSON", entry.name));
      continue;
    }
    const Json* name = value.contains("name") ? &value["name"] : nullptr;
    const std::string key =
        name != nullptr && name->is_string() ? name->get<std::string>() : entry.name;
    entries_.insert_or_assign(key, std::move(value));
  }
  // A run that failed has no end: the failure is the result.
  const bool failed = std::any_of(entries_.begin(), entries_.end(),
                                  [](const auto& entry) { return entry.second.contains("error"); });
  if (!failed && !entries_.contains("end")) lost_.emplace_back("the end of the run is missing");
}

const Json* Replay::kept(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

const Json* Replay::find(std::string_view use, const std::string& with) const {
  if (const Json* exact = kept(entry_name(use, with))) return exact;
  // A runbook that passes other options by now: if the probe was used once, that use is meant.
  const std::string plain = entry_name(use, {});
  const Json* only = nullptr;
  for (const auto& [name, entry] : entries_) {
    if (name != plain && !name.starts_with(plain + " {")) continue;
    if (only != nullptr) return nullptr;
    only = &entry;
  }
  return only;
}

Outcome Replay::answer(std::string_view use, const std::string& with, probes::Call& call,
                       Session& session) {
  const Json* entry = find(use, with);
  if (entry == nullptr)
    throw Error(ErrorCode::malformed, fmt::format("{}: what {} read is not in it", path_, use),
                "its entry is damaged, or the run ended before it");
  if (entry->contains("error")) {
    const Json& error = (*entry)["error"];
    throw Error(error_code_of(error.value("code", "")), error.value("what", ""),
                error.value("remedy", ""));
  }
  session.freeze(from_json<std::vector<Touch>>(entry->value("touched", Json::array()), path_),
                 from_json<Cost>(entry->value("cost", Json::object()), path_));
  return call.analyse(entry->value("sample", Json::object()), session);
}

}  // namespace triage
