#include "lib/diagnose/causes.h"

#include <algorithm>
#include <cmath>

namespace triage::diagnose {
namespace {

constexpr double holding_odds = 4;  ///< against `none`

const Hypothesis* find(const Runbook& runbook, const std::string& id) {
  const auto found = std::find_if(runbook.hypotheses.begin(), runbook.hypotheses.end(),
                                  [&](const Hypothesis& one) { return one.id == id; });
  return found == runbook.hypotheses.end() ? nullptr : &*found;
}

/// Whether `cause` did not begin after `effect`; true when either onset is unknown.
bool in_order(const View& view, const std::string& cause, const std::string& effect) {
  const auto first = view.onsets.find(cause);
  const auto then = view.onsets.find(effect);
  return first == view.onsets.end() || then == view.onsets.end() ||
         first->second <= then->second + view.order_error_s;
}

bool symptom_of(const Runbook& runbook, const View& view, const std::set<std::string>& families) {
  return std::any_of(
      runbook.evidence.begin(), runbook.evidence.end(), [&](const Evidence& evidence) {
        const auto state = view.states.find(evidence.id);
        return evidence.role == Evidence::Role::symptom && state != view.states.end() &&
               state->second == State::yes &&
               std::any_of(evidence.families.begin(), evidence.families.end(),
                           [&](const std::string& family) { return families.contains(family); });
      });
}

}  // namespace

std::set<std::string> effects_of(const Runbook& runbook, const std::string& cause) {
  std::set<std::string> effects;
  std::vector<std::string> open{cause};
  while (!open.empty()) {
    const Hypothesis* hypothesis = find(runbook, open.back());
    open.pop_back();
    if (hypothesis == nullptr) continue;
    for (const auto& effect : hypothesis->causes)
      if (effect != cause && effects.insert(effect).second) open.push_back(effect);
  }
  return effects;
}

void weigh_onsets(const View& view, std::vector<Score>& scores) {
  if (!view.symptom_onset) return;
  for (auto& score : scores) {
    const auto onset = view.onsets.find(score.id);
    if (onset == view.onsets.end()) continue;
    const bool before = onset->second <= *view.symptom_onset + view.order_error_s;
    const Move move{"onset", ln_of_strength(before ? 1 : -1)};
    score.log_odds += move.ln;
    score.moved_by.push_back(move);
  }
}

bool holds(const Score& score, const std::vector<Score>& scores) {
  if (score.id == "none") return false;
  double in_favour = 0;
  for (const auto& move : score.moved_by)
    if (move.evidence != "onset") in_favour += std::max(0.0, move.ln);
  if (in_favour < ln_of_strength(2)) return false;
  const auto none =
      std::find_if(scores.begin(), scores.end(), [](const Score& one) { return one.id == "none"; });
  return none == scores.end() || score.log_odds - none->log_odds >= std::log(holding_odds);
}

std::vector<Score> with_symptom(const Runbook& runbook, const View& view,
                                std::vector<Score> scores) {
  std::set<std::string> seen;  // a symptom of its own, and the evidence does not speak against it
  for (const auto& score : scores) {
    double moved = 0;
    for (const auto& move : score.moved_by) moved += move.ln;
    if (moved >= 0 && symptom_of(runbook, view, find(runbook, score.id)->families))
      seen.insert(score.id);
  }
  const auto nothing_to_explain = [&](const Score& score) {
    const Hypothesis& hypothesis = *find(runbook, score.id);
    if (hypothesis.families.empty() || symptom_of(runbook, view, hypothesis.families)) return false;
    const auto effects = effects_of(runbook, score.id);
    return std::none_of(effects.begin(), effects.end(),
                        [&](const std::string& effect) { return seen.contains(effect); });
  };
  scores.erase(std::remove_if(scores.begin(), scores.end(), nothing_to_explain), scores.end());
  return scores;
}

void explain_effects(const Runbook& runbook, const View& view, std::vector<Score>& scores) {
  std::set<std::string> holding;
  for (const auto& score : scores)
    if (holds(score, scores)) holding.insert(score.id);
  const auto explains = [&](const std::string& cause, const std::string& effect) {
    return effects_of(runbook, cause).contains(effect) && in_order(view, cause, effect);
  };
  std::map<std::string, std::string> by;
  for (const auto& score : scores) {
    if (!holding.contains(score.id)) continue;
    const Score* best = nullptr;
    for (const auto& cause : scores) {
      if (!holding.contains(cause.id) || !explains(cause.id, score.id)) continue;
      // of two that bring each other about the one with more evidence is the cause
      if (explains(score.id, cause.id) && cause.log_odds <= score.log_odds) continue;
      if (best == nullptr || cause.log_odds > best->log_odds) best = &cause;
    }
    if (best != nullptr) by[score.id] = best->id;
  }
  std::set<std::string> gained;
  for (auto& score : scores) {
    const auto found = by.find(score.id);
    if (found == by.end()) continue;
    score.explained_by = found->second;
    // an effect of an effect belongs to the first cause of the chain
    for (auto next = by.find(score.explained_by);
         next != by.end() && next->second != score.explained_by && next->second != score.id;
         next = by.find(score.explained_by))
      score.explained_by = next->second;
    gained.insert(score.explained_by);
  }
  for (auto& score : scores) {
    if (!gained.contains(score.id)) continue;
    const Move move{"effects", ln_of_strength(1)};
    score.log_odds += move.ln;
    score.moved_by.push_back(move);
  }
}

}  // namespace triage::diagnose
