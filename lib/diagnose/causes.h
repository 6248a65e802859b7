#pragma once

/// Cause before effect. Pure functions on scores; used by rank().
#include <string>
#include <vector>

#include "lib/diagnose/rank.h"

namespace triage::diagnose {

/// Moves each hypothesis whose onset is known by whether it began before the symptom (up to the
/// error of the clocks) or after it.
void weigh_onsets(const View& view, std::vector<Score>& scores);

/// Marks the effects of causes that hold (`explained_by`), and lets each such cause gain once from
/// what it explains. An effect that began before its cause, beyond the error of the clocks, is not
/// explained by it. A cause holds when it is four times as likely as `none`, on evidence that
/// speaks for it.
void explain_effects(const Runbook& runbook, const View& view, std::vector<Score>& scores);

/// Whether a score is that of a cause which holds by itself.
bool holds(const Score& score, const std::vector<Score>& scores);

/// With several runbooks joined: the hypotheses that have something to explain. A symptom of one of
/// their runbooks is true, or of an effect that the evidence does not speak against.
std::vector<Score> with_symptom(const Runbook& runbook, const View& view,
                                std::vector<Score> scores);

}  // namespace triage::diagnose
