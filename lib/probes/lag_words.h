#pragma once

#include <string>
#include <vector>

#include "lib/probes/lag_stall.h"

namespace triage::probes::lag {

/// What a part of a stall was spent on, and the stack that says so.
struct Part {
  std::string word;
  double ms = 0;
  const SeenStack* stack = nullptr;  ///< of the stall; nullptr: known without a stack
};

/// Sets `of_microtasks` where the loop is kept from going on by callbacks that queue the next one:
/// all stacks come from the microtask queue, and over the stalls that began in the same function
/// some were taken between two callbacks. Wants all stalls of one loop: one alone has few samples.
void mark_microtasks(std::vector<ObservedStall>& stalls);

/// Sets `word`, `evidence`, `gc_ms` and the culprit of a stall from its parts and its stacks: the
/// largest part gives the word; waiting for a CPU only where the rest is no longer than
/// `threshold_ms` or less than a third. Words: js gc regex json crypto zlib `fs sync`
/// `child_process sync` lock dns logging `module loading` microtasks wasm `native add-on` native
/// starved throttled stopped `page faults`, `cpu` for own CPU time without a stack and `unknown`
/// where the parts were not seen. Returns the parts.
std::vector<Part> explain(ObservedStall& stall, double threshold_ms);

/// What a person does about a word.
struct Advice {
  std::string now;
  std::string later;
  std::string never;
};
Advice advice_of(const std::string& word);

}  // namespace triage::probes::lag
