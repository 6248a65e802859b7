#include "lib/diagnose/rank.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/diagnose/causes.h"

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

/// Whether a hypothesis holds on evidence of the greatest strength, beside whatever else holds.
bool stands_alone(const Runbook& runbook, const View& view, const Score& score,
                  const std::vector<Score>& scores) {
  if (!holds(score, scores)) return false;
  return std::any_of(
      runbook.evidence.begin(), runbook.evidence.end(), [&](const Evidence& evidence) {
        const auto strength = evidence.when_true.find(score.id);
        return evidence.role == Evidence::Role::score && strength != evidence.when_true.end() &&
               strength->second == 3 && state_of(view, evidence.id) == State::yes;
      });
}

/// Shares over the causes that compete with the first: not its effects, and not the causes that
/// hold beside it, which are weighed against the rest in the same way.
void set_shares(Ranking& ranking) {
  const auto beside = [&](const Score& score) {
    return std::find(ranking.co_causes.begin(), ranking.co_causes.end(), score.id) !=
           ranking.co_causes.end();
  };
  double highest = -1e300;
  for (const auto& score : ranking.scores) highest = std::max(highest, score.log_odds);
  double rest = 0;
  const Score& first = ranking.scores.front();
  for (const auto& score : ranking.scores)
    if (score.id != first.id && score.explained_by.empty() && !beside(score))
      rest += std::exp(score.log_odds - highest);
  const double all = rest + std::exp(first.log_odds - highest);
  for (auto& score : ranking.scores) {
    const double own = std::exp(score.log_odds - highest);
    if (!score.explained_by.empty())
      score.share = 0;
    else
      score.share = beside(score) ? own / (rest + own) : own / all;
  }
}

std::string word_of(const Ranking& ranking) {
  const auto& scores = ranking.scores;
  if (scores.front().id == "none") return "inconclusive";
  const double first = scores.front().share;
  double second = 0;
  for (const auto& score : scores)
    if (score.id != scores.front().id &&
        std::find(ranking.co_causes.begin(), ranking.co_causes.end(), score.id) ==
            ranking.co_causes.end())
      second = std::max(second, score.share);
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
  for (const auto& hypothesis : runbook.hypotheses) {
    Score score{hypothesis.id, std::log(hypothesis.prior), 0,
                moves_of(runbook, view, hypothesis.id)};
    for (const auto& move : score.moved_by) score.log_odds += move.ln;
    ranking.scores.push_back(std::move(score));
  }
  ranking.scores = with_symptom(runbook, view, std::move(ranking.scores));
  weigh_onsets(view, ranking.scores);
  explain_effects(runbook, view, ranking.scores);
  std::stable_sort(ranking.scores.begin(), ranking.scores.end(),
                   [](const Score& a, const Score& b) {
                     if (a.explained_by.empty() != b.explained_by.empty())
                       return a.explained_by.empty();
                     return a.log_odds > b.log_odds;
                   });
  for (std::size_t i = 1; i < ranking.scores.size(); ++i)
    if (ranking.scores[i].explained_by.empty() && holds(ranking.scores.front(), ranking.scores) &&
        stands_alone(runbook, view, ranking.scores[i], ranking.scores))
      ranking.co_causes.push_back(ranking.scores[i].id);
  set_shares(ranking);
  ranking.word = word_of(ranking);
  for (const auto& cap : runbook.caps) {
    if (!view.missing.contains(cap.unless)) continue;
    if (!cap.only.empty() && !cap.only.contains(ranking.scores.front().id)) continue;
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
