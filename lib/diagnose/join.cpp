#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/sha256.h"
#include "lib/diagnose/runbook.h"

namespace triage::diagnose {
namespace {

template <class Item>
Item* find(std::vector<Item>& items, const std::string& id) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](Item& one) { return one.id == id; });
  return found == items.end() ? nullptr : &*found;
}

[[noreturn]] void differ(const Runbook& part, const char* what, const std::string& id) {
  throw Error(
      ErrorCode::usage,
      fmt::format("{}: {}.{} differs from that of another included runbook", part.file, what, id),
      "parts of one name must be equal to be joined");
}

void join_steps(Runbook& whole, const Runbook& part) {
  for (const auto& input : part.inputs)
    if (find(whole.inputs, input.id) == nullptr) whole.inputs.push_back(input);
  for (const auto& step : part.steps) {
    const Step* other = find(whole.steps, step.id);
    if (other == nullptr)
      whole.steps.push_back(step);
    else if (other->use != step.use || other->with != step.with)
      differ(part, "probes", step.id);
  }
  for (const auto& fact : part.facts) {
    const Fact* other = find(whole.facts, fact.id);
    if (other == nullptr)
      whole.facts.push_back(fact);
    else if (other->value.text != fact.value.text)
      differ(part, "facts", fact.id);
  }
}

void join_evidence(Runbook& whole, const Runbook& part) {
  for (const auto& evidence : part.evidence) {
    Evidence* other = find(whole.evidence, evidence.id);
    if (other == nullptr) {
      whole.evidence.push_back(evidence);
      whole.evidence.back().families = {part.id};
      continue;
    }
    if (other->test.text != evidence.test.text || other->role != evidence.role)
      differ(part, "evidence", evidence.id);
    other->families.insert(part.id);
    other->when_true.insert(evidence.when_true.begin(), evidence.when_true.end());
    other->when_false.insert(evidence.when_false.begin(), evidence.when_false.end());
    other->of.insert(evidence.of.begin(), evidence.of.end());
  }
}

void join_hypotheses(Runbook& whole, const Runbook& part) {
  for (const auto& hypothesis : part.hypotheses) {
    Hypothesis* other = find(whole.hypotheses, hypothesis.id);
    if (other == nullptr) {
      whole.hypotheses.push_back(hypothesis);
      other = &whole.hypotheses.back();
    }
    other->families.insert(part.id);
    other->causes.insert(hypothesis.causes.begin(), hypothesis.causes.end());
  }
}

/// What a runbook says of its own causes must not be said of another's: `for` is filled in with the
/// causes that only this runbook knows.
std::set<std::string> own_causes(const Runbook& whole, const std::string& family) {
  std::set<std::string> own;
  for (const auto& hypothesis : whole.hypotheses)
    if (hypothesis.families == std::set<std::string>{family}) own.insert(hypothesis.id);
  return own;
}

void join_advice(Runbook& whole, const Runbook& part) {
  const std::set<std::string> own = own_causes(whole, part.id);
  for (auto dont : part.dont) {
    if (dont.only.empty()) dont.only = own;
    if (Dont* other = find(whole.dont, dont.id))
      other->only.insert(dont.only.begin(), dont.only.end());
    else
      whole.dont.push_back(std::move(dont));
  }
  for (auto cap : part.caps) {
    if (cap.only.empty()) cap.only = own;
    whole.caps.push_back(std::move(cap));
  }
  for (const auto& moment : part.timeline)
    if (std::none_of(whole.timeline.begin(), whole.timeline.end(),
                     [&](const Moment& one) { return one.at.text == moment.at.text; }))
      whole.timeline.push_back(moment);
}

void join_unchecked(Runbook& whole, const Runbook& part) {
  for (const auto& entry : part.unchecked) {
    const bool asked = std::any_of(whole.steps.begin(), whole.steps.end(),
                                   [&](const Step& step) { return step.title == entry.source; });
    const bool known =
        std::any_of(whole.unchecked.begin(), whole.unchecked.end(),
                    [&](const Unchecked& other) { return other.source == entry.source; });
    if (!asked && !known) whole.unchecked.push_back(entry);
  }
}

}  // namespace

Runbook join_runbooks(Runbook base, const std::vector<Runbook>& parts) {
  std::string hashes = base.sha256;
  for (const auto& part : parts) {
    join_steps(base, part);
    join_evidence(base, part);
    join_hypotheses(base, part);
    hashes += part.sha256;
  }
  for (const auto& part : parts) {
    join_advice(base, part);
    join_unchecked(base, part);
  }
  for (const auto& [cause, effects] : base.causes) {
    Hypothesis* hypothesis = find(base.hypotheses, cause);
    for (const auto& effect : effects)
      if (hypothesis == nullptr || find(base.hypotheses, effect) == nullptr)
        throw Error(ErrorCode::usage, fmt::format("{}: causes: there is no hypothesis '{}'",
                                                  base.file, hypothesis ? effect : cause));
    hypothesis->causes.insert(effects.begin(), effects.end());
  }
  // "none" is the last resort of each, in none of the families
  if (Hypothesis* none = find(base.hypotheses, "none")) none->families.clear();
  base.sha256 = sha256_hex(hashes);
  return base;
}

}  // namespace triage::diagnose
