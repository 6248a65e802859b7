#pragma once

#include <optional>
#include <string>

#include "lib/v8/remote_heap.h"

namespace triage::v8 {

/// What a SharedFunctionInfo says of its function.
struct FunctionName {
  std::string name;                   ///< empty: anonymous
  bool inferred = false;              ///< from what the function was assigned to
  std::optional<std::int32_t> start;  ///< where it begins in the script, UTF-16 units
};

/// From the name or the ScopeInfo of a SharedFunctionInfo (objects/scope-info.tq: flags, counts,
/// locals, then what the flag bits announce).
FunctionName function_name(const RemoteHeap& heap, Tagged shared);

}  // namespace triage::v8
