#pragma once

#include <cstdint>
#include <string_view>

#include "lib/probes/log_line.h"

namespace triage::probes::logs {

/// "warn", "ERROR", "notice" and the like, in any case; `none` for another word.
Level level_of_word(std::string_view word);

/// Fills `line` from `ts=2026-11-24T02:04:31Z level=error msg="query failed" err="..."`. False, and
/// nothing changed, when the text has no msg with a level or a time.
bool parse_logfmt(std::string_view text, LogLine& line, std::int64_t reference_ms);

/// Without the source that `kubectl logs --prefix` ("[pod/api-7d9/app] ") and `docker compose logs`
/// ("api-1  | ") put in front of each line.
std::string_view without_source(std::string_view text);

}  // namespace triage::probes::logs
