#pragma once

/// From answers to an order of causes. Pure: naive Bayes with five coarse steps, where unknown
/// moves nothing and signs of one thing (a group) count once. Then cause before effect: a cause
/// that holds takes over the hypotheses that are its effects, and further causes that hold on
/// evidence of their own stand beside it instead of taking its share.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/diagnose/runbook.h"

namespace triage::diagnose {

enum class State { yes, no, unknown };
std::string_view name_of(State state);  ///< "true", "false", "unknown"

/// What is known when causes are ranked.
struct View {
  std::map<std::string, State> states;        ///< by evidence id; absent is unknown
  std::set<std::string> missing;              ///< probes that gave nothing
  std::map<std::string, double> onsets = {};  ///< of hypotheses, seconds since 1970
  std::optional<double> symptom_onset = {};   ///< of the earliest symptom that is true
  double order_error_s = 2;                   ///< two onsets that are closer than this are a tie
};

/// One step that a piece of evidence moved a hypothesis. Two are not evidence of the runbook:
/// "onset" (it began before or after the symptom) and "effects" (it explains other findings).
struct Move {
  std::string evidence;
  double ln = 0;  ///< natural logarithm of the likelihood ratio
};

struct Score {
  std::string id;
  double log_odds = 0;  ///< ln(prior) + the sum of its moves
  double share = 0;     ///< 0..1 over the causes that compete; 0 of an effect
  std::vector<Move> moved_by = {};
  std::string explained_by = {};  ///< the cause whose effect it is, or empty
};

struct Ranking {
  /// "confirmed" (share >= 0.95 and 20 times the next), "likely" (>= 0.80), "possible" (>= 0.50) or
  /// "inconclusive" (also when `none` leads), after the caps.
  std::string word;
  std::vector<Score> scores;  ///< best first; equal ones in the order of the runbook; effects last
  std::vector<std::string> co_causes;  ///< hold beside the first, not as its effects
  std::vector<std::string> capped_by;  ///< `say` of the caps whose probe is missing
};

/// -3 .. +3 as ln of 1/30, 1/10, 1/3, 1, 3, 10, 30.
double ln_of_strength(int strength);

Ranking rank(const Runbook& runbook, const View& view);

/// All effects of a cause, direct ones and theirs; without the cause itself.
std::set<std::string> effects_of(const Runbook& runbook, const std::string& cause);

/// A probe whose loss would change the first place or the word.
struct Rest {
  std::string probe;
  std::string hypothesis;  ///< first without it
  std::string word;        ///< without it
};
/// `without` holds, per probe that answered, what would be known had it not.
std::vector<Rest> rests_on(const Runbook& runbook, const Ranking& ranking,
                           const std::map<std::string, View>& without);

/// Unknown evidence that could move the two leaders apart or together.
struct Settler {
  std::string evidence;
  double spread = 0;  ///< largest change of their log-odds distance
};
std::vector<Settler> would_settle(const Runbook& runbook, const View& view, const Ranking& ranking);

}  // namespace triage::diagnose
