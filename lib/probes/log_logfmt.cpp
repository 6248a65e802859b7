#include <algorithm>
#include <charconv>

#include "lib/probes/log_fields.h"
#include "lib/probes/log_time.h"

namespace triage::probes::logs {
namespace {

/// "message=" is no sign by itself: prose has it too.
bool looks_like_logfmt(std::string_view line) {
  const auto has = [&](std::string_view key) {
    const std::size_t at = line.find(key);
    return at == 0 || (at != std::string_view::npos && line[at - 1] == ' ');
  };
  return has("msg=") && (has("level=") || has("lvl=") || has("ts=") || has("time="));
}

void take(LogLine& line, std::string_view key, std::string_view value, std::int64_t reference_ms) {
  if (key == "msg") {
    line.message = value;
  } else if (key == "level" || key == "lvl") {
    line.level = level_of_word(value);
  } else if (key == "ts" || key == "time") {
    const auto time = leading_time(value, reference_ms);
    if (time) line.at_ms = time->ms;
  } else if (key == "err" || key == "error") {
    line.error = value;
  } else if (key == "trace_id" || key == "traceID" || key == "traceId") {
    line.trace_id = value;
  } else if (key == "method") {
    line.method = value;
  } else if (key == "path" || key == "route") {
    line.route = value;
  } else if (key == "status") {
    int status = 0;
    std::from_chars(value.data(), value.data() + value.size(), status);
    if (status >= 100 && status < 600) line.status = status;
  }
}

}  // namespace

bool parse_logfmt(std::string_view text, LogLine& line, std::int64_t reference_ms) {
  if (!looks_like_logfmt(text)) return false;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t sign = text.find_first_of("= ");
    if (sign == std::string_view::npos) break;
    const std::string_view key = text.substr(0, sign);
    const bool has_value = text[sign] == '=';
    text.remove_prefix(sign + 1);
    if (!has_value) continue;
    std::size_t end = 0;
    const bool quoted = text.starts_with('"');
    if (quoted) {
      end = 1;
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end, text.size());
      take(line, key, text.substr(1, end - 1), reference_ms);
      text.remove_prefix(std::min(end + 1, text.size()));
    } else {
      end = std::min(text.find(' '), text.size());
      take(line, key, text.substr(0, end), reference_ms);
      text.remove_prefix(end);
    }
  }
  return true;
}

}  // namespace triage::probes::logs
