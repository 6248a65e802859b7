#pragma once

#include <cstdint>
#include <string>

#include "lib/v8/heap_snapshot.h"

namespace triage::v8 {

struct StripCount {
  std::uint64_t kept = 0;      ///< names of classes, functions, scripts, variables, properties
  std::uint64_t replaced = 0;  ///< all else
};

/// Writes `from` (a file, packed or not) to `to` with every string replaced that may carry data;
/// all other bytes stay, so the graph and its sizes are the same. Kept are names of classes,
/// functions, scripts and V8's own parts, of variables, and of properties that look like a word and
/// that three objects have; a replaced string becomes "s<number>~<length>". `snapshot` is what was
/// read from `from`. Throws Error{usage} when `to` exists or cannot be written, with nothing left
/// there.
StripCount strip_strings(const HeapSnapshot& snapshot, const std::string& from,
                         const std::string& to);

/// Whether a property of this name (as in the file) was written by a programmer rather than
/// computed from data: a word without digits, or a symbol.
bool looks_like_word(std::string_view name);

}  // namespace triage::v8
