#include "lib/probes/log_line.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/probes/log_fields.h"
#include "lib/probes/log_time.h"

namespace triage::probes::logs {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool same_word(std::string_view word, std::string_view lower) {
  return std::equal(word.begin(), word.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

/// pino and bunyan: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
Level level_of_number(double number) {
  if (number >= 50) return Level::error;
  if (number >= 40) return Level::warn;
  if (number >= 30) return Level::info;
  return number >= 10 ? Level::debug : Level::none;
}

/// Reads the keys of interest of one JSON object without building it. It accepts what it can: a
/// line that was cut still gives the fields before the cut.
class JsonFields {
 public:
  JsonFields(std::string_view text, LogLine& line, std::int64_t reference_ms)
      : text_(text), line_(line), reference_ms_(reference_ms) {}

  /// False when the text does not start like an object.
  bool run() {
    skip_blanks();
    if (peek() != '{') return false;
    ++at_;
    skip_blanks();
    if (peek() != '"' && peek() != '}') return false;
    members(Part::root, 0);
    return true;
  }

 private:
  enum class Part { root, request, response, error, other };

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  /// At the opening quote; gives what is between the quotes.
  std::string_view string() {
    const std::size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_, text_.size());
    const std::string_view inner = text_.substr(start, at_ - start);
    if (at_ < text_.size()) ++at_;
    return inner;
  }

  /// Behind the opening brace; returns behind the closing one.
  void members(Part part, int depth) {
    while (at_ < text_.size()) {
      skip_blanks();
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != '"') break;
      const std::string_view key = string();
      skip_blanks();
      if (peek() != ':') break;
      ++at_;
      skip_blanks();
      value(part, key, depth);
    }
    if (peek() == '}') ++at_;
  }

  void value(Part part, std::string_view key, int depth) {
    const char first = peek();
    if (first == '"') return text_value(part, key, string());
    if (first == '{' && depth < 2) {
      ++at_;
      return members(part_of(part, key), depth + 1);
    }
    if (first == '{' || first == '[') return skip_structure();
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ' ') ++at_;
    double number = 0;
    const auto token = text_.substr(start, at_ - start);
    const auto result = std::from_chars(token.data(), token.data() + token.size(), number);
    if (result.ec == std::errc()) number_value(part, key, number);
  }

  void skip_structure() {
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  static Part part_of(Part parent, std::string_view key) {
    if (parent != Part::root && parent != Part::other) return Part::other;
    if (key == "req" || key == "request") return Part::request;
    if (key == "res" || key == "response") return Part::response;
    if (key == "err" || key == "error") return Part::error;
    return Part::other;
  }

  void text_value(Part part, std::string_view key, std::string_view value) {
    if (part == Part::error) {
      if (key == "message") line_.error = value;
      if (key == "stack") line_.stack = value;
      return;
    }
    if (part == Part::request || part == Part::root) request_text(key, value);
    if (part != Part::root) return;
    if (key == "msg" || key == "message" || key == "MESSAGE" ||
        (key == "log" && line_.message.empty())) {
      line_.message = value;
    } else if (key == "stack") {
      line_.stack = value;
    } else if (key == "trace_id" || key == "traceId" || key == "traceID") {
      line_.trace_id = value;
    } else if (key == "PRIORITY" || key == "__REALTIME_TIMESTAMP") {
      journal_text(key, value);
    } else if (key == "level" || key == "severity" || key == "levelname") {
      line_.level = level_of_word(value);
    } else if (key == "time" || key == "timestamp" || key == "@timestamp" || key == "ts") {
      const auto time = leading_time(value, reference_ms_);
      if (time) line_.at_ms = time->ms;
    } else if (key == "error" || key == "err") {
      line_.error = value;
    }
  }

  /// `journalctl -o json`: numbers as texts, severities of syslog (RFC 5424), microseconds.
  void journal_text(std::string_view key, std::string_view value) {
    std::int64_t number = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc())
      return;
    if (key == "__REALTIME_TIMESTAMP") {
      line_.at_ms = number / 1000;
    } else if (line_.level == Level::none) {
      line_.level = number <= 3   ? Level::error
                    : number == 4 ? Level::warn
                    : number <= 6 ? Level::info
                                  : Level::debug;
    }
  }

  void request_text(std::string_view key, std::string_view value) {
    if (key == "method") {
      line_.method = value;
    } else if (key == "route" ||
               (line_.route.empty() && (key == "url" || key == "path" || key == "originalUrl"))) {
      line_.route = value;
    }
  }

  void number_value(Part part, std::string_view key, double value) {
    if (part == Part::root && (key == "time" || key == "timestamp" || key == "ts")) {
      line_.at_ms = epoch_to_ms(value);
    } else if (part == Part::root && key == "level") {
      line_.level = level_of_number(value);
    } else if ((part == Part::root || part == Part::response) &&
               (key == "status" || key == "statusCode" || key == "status_code")) {
      if (value >= 100 && value < 600) line_.status = static_cast<int>(value);
    } else if (part == Part::root && is_duration_key(key) && value >= 0) {
      line_.duration_ms = value;
    }
  }

  static bool is_duration_key(std::string_view key) {
    static constexpr std::array<std::string_view, 8> keys{
        "responseTime", "duration_ms", "durationMs",    "duration",
        "elapsed_ms",   "latency_ms",  "response_time", "responseTimeMs"};
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  }

  std::string_view text_;
  LogLine& line_;
  std::int64_t reference_ms_;
  std::size_t at_ = 0;
};

/// The first word near the start that names a level: in capitals ("ERROR"), before a colon or a
/// bracket ("error:", "[warn]"), behind "level=", or an exception's name ("TypeError:").
Level level_in(std::string_view text) {
  text = text.substr(0, 120);
  for (std::size_t at = 0; at < text.size();) {
    if (!is_letter(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_letter(text[end])) ++end;
    const std::string_view word = text.substr(at, end - at);
    const char after = end < text.size() ? text[end] : '\0';
    const bool capitals = std::all_of(word.begin(), word.end(), [](char c) { return c < 'a'; });
    const bool assigned = text.substr(0, at).ends_with("level=");
    const Level level = level_of_word(word);
    if (level != Level::none && (capitals || assigned || after == ':' || after == ']'))
      return level;
    if (after == ':' && (word.ends_with("Error") || word.ends_with("Exception")))
      return Level::error;
    at = end;
  }
  return Level::none;
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

/// CRI: "2026-11-24T02:04:31.123456789Z stdout F {json or text}".
std::string_view without_cri(std::string_view text) {
  for (const std::string_view tag : {"stdout F ", "stderr F ", "stdout P ", "stderr P "})
    if (text.starts_with(tag)) return text.substr(tag.size());
  return text;
}

/// 8-4-4-4-12 hex digits (RFC 9562).
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

}  // namespace

Level level_of_word(std::string_view word) {
  for (const std::string_view name :
       {"error", "err", "fatal", "critical", "crit", "panic", "emerg", "alert"})
    if (same_word(word, name)) return Level::error;
  if (same_word(word, "warn") || same_word(word, "warning")) return Level::warn;
  for (const std::string_view name : {"info", "log", "notice", "http", "statement", "detail"})
    if (same_word(word, name)) return Level::info;
  for (const std::string_view name : {"debug", "trace", "verbose", "silly"})
    if (same_word(word, name)) return Level::debug;
  return Level::none;
}

std::string_view without_source(std::string_view text) {
  if (text.starts_with("[pod/")) {
    const std::size_t end = text.find("] ");
    return end == std::string_view::npos ? text : text.substr(end + 2);
  }
  const std::size_t bar = text.substr(0, 64).find("| ");
  if (bar == std::string_view::npos || bar == 0 || text[bar - 1] != ' ') return text;
  const std::string_view name = text.substr(0, text.find(' '));
  const bool is_name = std::all_of(name.begin(), name.end(), [](char letter) {
    return is_letter(letter) || is_digit(letter) || letter == '-' || letter == '_';
  });
  const bool padded =
      text.substr(name.size(), bar - name.size()).find_first_not_of(' ') == std::string_view::npos;
  return !name.empty() && is_letter(name.front()) && is_name && padded ? text.substr(bar + 2)
                                                                       : text;
}

LogLine parse_line(std::string_view line, std::int64_t reference_ms) {
  LogLine parsed;
  line = without_source(line);
  if (line.empty()) return parsed;
  parsed.continuation = line.front() == ' ' || line.front() == '\t' || line.front() == '}';
  if (line.front() == '{') {
    parsed.json = JsonFields(line, parsed, reference_ms).run();
    if (parsed.json) return parsed;
  }
  const auto time = leading_time(line, reference_ms);
  std::string_view rest = line;
  if (time) {
    parsed.at_ms = time->ms;
    rest = without_cri(without_blanks(line.substr(time->used)));
    if (rest.starts_with('{')) {
      parsed.json = JsonFields(rest, parsed, reference_ms).run();
      if (!parsed.at_ms) parsed.at_ms = time->ms;
      if (parsed.json) return parsed;
    }
  }
  if (parse_logfmt(rest, parsed, reference_ms)) return parsed;
  parsed.message = rest;
  if (!parsed.continuation) parsed.level = level_in(rest);
  return parsed;
}

std::string normalise_message(std::string_view message) {
  std::string result;
  message = message.substr(0, 400);
  for (std::size_t at = 0; at < message.size() && result.size() < 200;) {
    std::size_t end = at;
    if (is_uuid(message.substr(at, 36))) {
      result += '#';
      at += 36;
      continue;
    }
    while (end < message.size() && is_hex(message[end])) ++end;
    const auto run = message.substr(at, end - at);
    const bool digits = std::any_of(run.begin(), run.end(), is_digit);
    if (digits && (run.size() >= 8 || std::all_of(run.begin(), run.end(), is_digit))) {
      if (!result.ends_with('#')) result += '#';
      at = end;
    } else if (is_digit(message[at])) {
      if (!result.ends_with('#')) result += '#';
      ++at;
    } else {
      result += message[at++];
    }
  }
  return result;
}

std::string normalise_route(std::string_view method, std::string_view route) {
  std::string result(method.substr(0, 10));
  if (!result.empty() && !route.empty()) result += ' ';
  route = route.substr(0, std::min(route.find_first_of("?#"), route.size())).substr(0, 110);
  while (!route.empty()) {
    const std::size_t slash = std::min(route.find('/', 1), route.size());
    const std::string_view part = route.substr(0, slash);
    const auto digits = std::count_if(part.begin(), part.end(), is_digit);
    const bool id = digits > 0 && (digits + 1 == static_cast<std::ptrdiff_t>(part.size()) ||
                                   (part.size() > 16 && digits >= 4));
    result += id ? std::string_view("/:id") : part;
    route.remove_prefix(slash);
  }
  return result;
}

}  // namespace triage::probes::logs
