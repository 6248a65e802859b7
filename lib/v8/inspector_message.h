#pragma once

/// What the inspector sends (Chrome DevTools Protocol): answers {"id":3,"result":{...}} and events
/// {"method":"Debugger.paused","params":{...}}.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/json.h"

namespace triage::v8 {

struct InspectorMessage {
  std::int64_t id = 0;  ///< of the request that is answered; 0: an event
  std::string method;   ///< of an event
  Json body;            ///< "result" of an answer, "params" of an event
  std::string error;    ///< the inspector's words when it refused the request
};

/// Throws Error{malformed} for anything else.
InspectorMessage parse_inspector_message(std::string_view text);

/// The text of a HeapProfiler.addHeapSnapshotChunk event as V8 writes it, without building JSON for
/// it: a snapshot arrives as thousands of them. Nothing for other messages and other spellings.
std::optional<std::string> snapshot_chunk(std::string_view message);

}  // namespace triage::v8
