#pragma once

#include <string>

#include "lib/probes/lag_stall.h"

namespace triage::probes::lag {

/// Sets `word` and `evidence` of a stall from its parts: the largest one gives the word. Words:
/// stopped throttled starved fs-sync child_process-sync logging lock dns page-faults js gc regex
/// json crypto zlib module-loading microtasks native, `cpu` for own CPU time without a stack and
/// `unknown` where the parts were not seen.
void explain(Stall& stall);

/// What a person does about a word.
struct Advice {
  std::string now;
  std::string later;
  std::string never;
};
Advice advice_of(const std::string& word);

}  // namespace triage::probes::lag
