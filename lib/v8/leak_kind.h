#pragma once

/// Names the kind of a leak by what it looks like in a snapshot: rules over the holder, the way to
/// it and the classes of what stays. Checked against the programs of scenarios/leaks, of which half
/// were not looked at while the rules were written.
#include <string>
#include <string_view>
#include <vector>

#include "lib/v8/leak_evidence.h"

namespace triage::v8 {

enum class LeakKind {
  unknown,
  listener,
  abort_listener,
  timer,
  async_local_storage,
  async_hooks,
  cache_map,
  cache_object,
  set,
  array,
  closures,
  closure_context,
  linked_list,
  promises,
  streams,
  open_handles,
  requests,
  buffers,
  buffer_slices,
  parent_strings,
  errors,
  generated_code,
  weakmap_keys,
  detached
};
std::string_view name_of(LeakKind kind);
/// Every kind but `unknown`, for lists.
const std::vector<LeakKind>& all_leak_kinds();

/// Whether a program may want to fill it up to a limit: a cache that still fills looks the same.
bool may_be_cache(LeakKind kind);

struct LeakGuess {
  LeakKind kind = LeakKind::unknown;
  double confidence = 0;  ///< 0 to 1: how well the rule tells this kind from the others
  std::string because;    ///< what was seen, in one sentence
};

LeakGuess guess_kind(const LeakEvidence& evidence);

}  // namespace triage::v8
