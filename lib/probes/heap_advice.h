#pragma once

#include <string>
#include <vector>

#include "lib/v8/leak_kind.h"

namespace triage::probes {

/// What to do about a kind of leak.
struct LeakAdvice {
  std::string title;               ///< "listeners that are never removed"
  std::vector<std::string> now;    ///< stops the growth or buys time, changes no code
  std::vector<std::string> later;  ///< the fix
  std::vector<std::string> dont;   ///< what looks like a fix and is none
};

const LeakAdvice& advice_for(v8::LeakKind kind);

}  // namespace triage::probes
