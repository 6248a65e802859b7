#include "lib/probes/lag_culprits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace triage::probes::lag {
namespace {

/// Words for which no function of the user is to blame.
bool is_from_outside(const std::string& word) {
  return word == "starved" || word == "throttled" || word == "stopped";
}

/// The same function of the same script, whatever line of it ran.
std::string key_of(const v8::StackFrame& frame) {
  return fmt::format("{}\n{}\n{}\n{}", frame.url, frame.function, frame.function_line.value_or(0),
                     frame.function_column.value_or(0));
}

std::string most_of(const std::map<std::string, double>& times) {
  const auto most = std::max_element(
      times.begin(), times.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == times.end() ? std::string() : most->first;
}

}  // namespace

std::int64_t CulpritTable::index_of(const SeenStack& stack) {
  std::string key;
  for (const auto& frame : stack.frames)
    key += frame.kind + " " + frame.tier + " " + v8::describe_frame(frame) + "\n";
  const auto [found, fresh] =
      known_stacks_.try_emplace(std::move(key), static_cast<std::int64_t>(stacks_.size()));
  if (fresh) stacks_.push_back({v8::activity_of(stack.frames), stack.frames});
  return found->second;
}

std::optional<std::int64_t> CulpritTable::add(const ObservedStall& stall,
                                              const std::vector<Part>& parts) {
  total_ms_ += stall.duration_ms;
  std::set<std::string> counted;
  const SeenStack* shown = nullptr;
  double shown_ms = -1;
  for (const auto& part : parts) {
    if (part.stack == nullptr || is_from_outside(part.word)) continue;
    const int culprit = v8::culprit_of(part.stack->frames);
    const double weight = part.ms + (part.word == stall.word && culprit >= 0 ? total_ms_ : 0);
    if (weight > shown_ms) {
      shown = part.stack;
      shown_ms = weight;
    }
    if (culprit < 0) continue;
    const auto& frame = part.stack->frames[static_cast<std::size_t>(culprit)];
    const std::string key = key_of(frame);
    Row& row = rows_[key];
    row.culprit.function = v8::function_of(frame);
    row.culprit.package = frame.package;
    row.culprit.total_ms += part.ms;
    row.culprit.longest_ms = std::max(row.culprit.longest_ms, stall.duration_ms);
    row.words[part.word] += part.ms;
    row.locations[v8::place_of(frame)] += part.ms;
    if (part.word == stall.word && !stall.detail.empty()) row.details[stall.detail] += part.ms;
    if (counted.insert(key).second) ++row.culprit.stalls_count;
  }
  return shown == nullptr ? std::nullopt : std::optional(index_of(*shown));
}

std::vector<Culprit> CulpritTable::culprits() const {
  std::vector<Culprit> sorted;
  for (const auto& [key, row] : rows_) {
    Culprit culprit = row.culprit;
    culprit.word = most_of(row.words);
    culprit.location = most_of(row.locations);
    culprit.detail = most_of(row.details);
    culprit.ratio = total_ms_ > 0 ? culprit.total_ms / total_ms_ : 0;
    sorted.push_back(std::move(culprit));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Culprit& a, const Culprit& b) { return a.total_ms > b.total_ms; });
  return sorted;
}

}  // namespace triage::probes::lag
