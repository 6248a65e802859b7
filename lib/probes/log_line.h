#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// One line of a log, whatever wrote it. Nothing is copied: views point into the line.
///
///   {"level":50,"time":1795485871123,"msg":"query failed","err":{"type":"Error","message":"..."}}
///   {"level":"error","timestamp":"2026-11-24T02:04:31.123Z","message":"query failed"}
///   2026-11-24 02:04:31.123 UTC [77] app@orders ERROR:  deadlock detected
///   Nov 24 02:04:31 host app[77]: warn: slow
///   ts=2026-11-24T02:04:31.123Z level=error msg="query failed" err="..."
///   {"__REALTIME_TIMESTAMP":"1795485871123456","PRIORITY":"3","MESSAGE":"query failed"}
namespace triage::probes::logs {

enum class Level { none, debug, info, warn, error };

struct LogLine {
  bool json = false;                  ///< a JSON object was read, perhaps a cut one
  bool continuation = false;          ///< indented, or a stack frame: belongs to the line before
  std::optional<std::int64_t> at_ms;  ///< since the epoch; nothing when the line has no time
  Level level = Level::none;
  std::string_view message;           ///< still escaped when json
  std::string_view error;             ///< err.message, still escaped
  int status = 0;                     ///< HTTP status of a request line, else 0
  std::optional<double> duration_ms;  ///< of a request line
  std::string_view method;            ///< "GET"
  std::string_view route;             ///< path or URL, with its query
  std::string_view stack;             ///< err.stack, still escaped
  std::string_view trace_id;          ///< of a span, as OpenTelemetry writes it
};

/// `reference_ms`: see leading_time().
LogLine parse_line(std::string_view line, std::int64_t reference_ms);

/// The same message with its changing parts replaced, for grouping: runs of digits and hex ids
/// become "#", at most 200 bytes.
std::string normalise_message(std::string_view message);
/// "/orders/17?x=1" -> "/orders/:id", at most 120 bytes.
std::string normalise_route(std::string_view method, std::string_view route);

}  // namespace triage::probes::logs
