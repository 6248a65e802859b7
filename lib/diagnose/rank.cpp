#include "lib/diagnose/rank.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace triage::diagnose {
namespace {

State state_of(const View& view, const std::string& evidence) {
  const auto found = view.states.find(evidence);
  return found == view.states.end() ? State::unknown : found->second;
}

/// The moves of one hypothesis: all ungrouped ones, and of each group the largest up and down.
std::vector<Move> moves_of(const Runbook& runbook, const View& view, const std::string& id) {
  std::vector<Move> moves;
  std::map<std::string, std::array<std::size_t, 2>> of_group;  // index + 1 of the largest
  for (const auto& evidence : runbook.evidence) {
    const State state = state_of(view, evidence.id);
    if (evidence.role != Evidence::Role::score || state == State::unknown) continue;
    const Strengths& strengths = state == State::yes ? evidence.when_true : evidence.when_false;
    const auto found = strengths.find(id);
    if (found == strengths.end() || found->second == 0) continue;
    const Move move{evidence.id, ln_of_strength(found->second)};
    if (evidence.group.empty()) {
      moves.push_back(move);
      continue;
    }
    std::size_t& slot = of_group[evidence.group].at(move.ln > 0 ? 1 : 0);
    if (slot == 0) {
      moves.push_back(move);
      slot = moves.size();
    } else if (std::abs(move.ln) > std::abs(moves[slot - 1].ln)) {
      moves[slot - 1] = move;
    }
  }
  return moves;
}

int level_of(const std::string& word) {
  if (word == "confirmed") return 3;
  if (word == "likely") return 2;
  return word == "possible" ? 1 : 0;
}

std::string word_of(const std::vector<Score>& scores) {
  if (scores.front().id == "none") return "inconclusive";
  const double first = scores.front().share;
  const double second = scores.size() > 1 ? scores[1].share : 0;
  if (first >= 0.95 && first >= 20 * second) return "confirmed";
  if (first >= 0.80) return "likely";
  return first >= 0.50 ? "possible" : "inconclusive";
}

double distance(const Ranking& ranking, const std::string& a, const std::string& b) {
  double value = 0;
  for (const auto& score : ranking.scores) {
    if (score.id == a) value += score.log_odds;
    if (score.id == b) value -= score.log_odds;
  }
  return value;
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::yes:
      return "true";
    case State::no:
      return "false";
    case State::unknown:
      return "unknown";
  }
  return "unknown";
}

double ln_of_strength(int strength) {
  static const std::array<double, 4> steps{0, std::log(3.0), std::log(10.0), std::log(30.0)};
  const double size = steps.at(static_cast<std::size_t>(std::min(std::abs(strength), 3)));
  return strength < 0 ? -size : size;
}

Ranking rank(const Runbook& runbook, const View& view) {
  Ranking ranking;
  double highest = -1e300;
  for (const auto& hypothesis : runbook.hypotheses) {
    Score score{hypothesis.id, std::log(hypothesis.prior), 0,
                moves_of(runbook, view, hypothesis.id)};
    for (const auto& move : score.moved_by) score.log_odds += move.ln;
    highest = std::max(highest, score.log_odds);
    ranking.scores.push_back(std::move(score));
  }
  double sum = 0;
  for (const auto& score : ranking.scores) sum += std::exp(score.log_odds - highest);
  for (auto& score : ranking.scores) score.share = std::exp(score.log_odds - highest) / sum;
  std::stable_sort(ranking.scores.begin(), ranking.scores.end(),
                   [](const Score& a, const Score& b) { return a.log_odds > b.log_odds; });
  ranking.word = word_of(ranking.scores);
  for (const auto& cap : runbook.caps) {
    if (!view.missing.contains(cap.unless)) continue;
    ranking.capped_by.push_back(cap.say);
    if (level_of(ranking.word) > level_of(cap.verdict)) ranking.word = cap.verdict;
  }
  return ranking;
}

std::vector<Rest> rests_on(const Runbook& runbook, const Ranking& ranking,
                           const std::map<std::string, View>& without) {
  std::vector<Rest> rests;
  for (const auto& step : runbook.steps) {
    const auto found = without.find(step.id);
    if (found == without.end()) continue;
    const Ranking other = rank(runbook, found->second);
    if (other.scores.front().id != ranking.scores.front().id || other.word != ranking.word)
      rests.push_back({step.id, other.scores.front().id, other.word});
  }
  return rests;
}

std::vector<Settler> would_settle(const Runbook& runbook, const View& view,
                                  const Ranking& ranking) {
  std::vector<Settler> settlers;
  if (ranking.scores.size() < 2) return settlers;
  const std::string& first = ranking.scores[0].id;
  const std::string& second = ranking.scores[1].id;
  const double now = distance(ranking, first, second);
  for (const auto& evidence : runbook.evidence) {
    if (evidence.role != Evidence::Role::score || state_of(view, evidence.id) != State::unknown)
      continue;
    double spread = 0;
    for (const State answer : {State::yes, State::no}) {
      View other = view;
      other.states[evidence.id] = answer;
      spread = std::max(spread, std::abs(distance(rank(runbook, other), first, second) - now));
    }
    if (spread > 0) settlers.push_back({evidence.id, spread});
  }
  std::stable_sort(settlers.begin(), settlers.end(),
                   [](const Settler& a, const Settler& b) { return a.spread > b.spread; });
  return settlers;
}

}  // namespace triage::diagnose
