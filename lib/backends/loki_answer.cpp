#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "lib/backends/loki.h"
#include "lib/base/json_cursor.h"

namespace triage::backends {
namespace {

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorCode::malformed, "Loki: " + what, "check that the address is that of Loki");
}

void labels_at(JsonCursor& cursor, Labels& labels) {
  cursor.object([&](std::string_view key) {
    std::string name(key);
    labels[std::move(name)] = cursor.text();
  });
}

/// {"structuredMetadata":{"trace_id":".."},"parsed":{"msg":".."}}; the parsed ones follow from the
/// line.
void details_at(JsonCursor& cursor, Labels& metadata) {
  cursor.object([&](std::string_view key) {
    if (key == "structuredMetadata")
      labels_at(cursor, metadata);
    else
      cursor.skip();
  });
}

/// ["1795503406520363363","line"] or with a third part, see details_at()
LokiEntry entry_at(JsonCursor& cursor, std::size_t stream) {
  LokiEntry entry;
  entry.stream = stream;
  int index = 0;
  cursor.array([&] {
    if (index == 0) {
      entry.at_ns = cursor.integer();
    } else if (index == 1 && cursor.peek() == JsonCursor::Kind::text) {
      entry.line = cursor.text();
    } else if (index == 1) {
      malformed("an entry has no line");
    } else {
      details_at(cursor, entry.metadata);
    }
    ++index;
  });
  if (cursor.whole() && index < 2) malformed("an entry has no line");
  return entry;
}

/// {"stream":{..},"values":[..]}: the labels may come behind the values.
void stream_at(JsonCursor& cursor, LokiAnswer& answer) {
  const std::size_t stream = answer.streams.size();
  answer.streams.emplace_back();
  cursor.object([&](std::string_view key) {
    if (key == "stream")
      labels_at(cursor, answer.streams[stream]);
    else if (key == "values")
      cursor.array([&] { answer.entries.push_back(entry_at(cursor, stream)); });
    else
      cursor.skip();
  });
}

/// Streams or series, as data.resultType said before; [time,"value"] of a scalar is passed over.
void result_at(JsonCursor& cursor, LokiAnswer& answer) {
  if (answer.type.empty()) malformed("the answer has no type");
  cursor.array([&] {
    if (cursor.peek() != JsonCursor::Kind::object)
      cursor.skip();
    else if (answer.type == "streams")
      stream_at(cursor, answer);
    else
      answer.series.push_back(read_series(cursor));
  });
}

void data_at(JsonCursor& cursor, LokiAnswer& answer) {
  cursor.object([&](std::string_view key) {
    if (key == "resultType")
      answer.type = cursor.text();
    else if (key == "result")
      result_at(cursor, answer);
    else
      cursor.skip();
  });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// "parse error at line 1, col 23: ..." -> the query up to there.
std::string place_of(std::string_view error, std::string_view query) {
  constexpr std::string_view words = "at line 1, col ";
  const auto place = error.find(words);
  if (place == std::string_view::npos || query.find('\n') != std::string_view::npos) return {};
  std::size_t column = 0;
  std::from_chars(error.data() + place + words.size(), error.data() + error.size(), column);
  if (column == 0 || column > query.size() + 1) return {};
  const std::size_t start = column > 30 ? column - 30 : 0;
  return fmt::format(" (in '{}' before '{}')", query.substr(start, column - 1 - start),
                     query.substr(column - 1, 20));
}

/// The body on one line: Loki's errors are plain text and may have several.
std::string words_of(const net::Response& response) {
  std::string text = response.body.substr(0, 300);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

[[noreturn]] void refuse(const net::Response& response, std::string_view query) {
  const std::string text = words_of(response);
  const std::string said = "Loki: " + text;
  if (contains(text, "no org id") || contains(text, "multiple org IDs"))
    throw Error(ErrorCode::refused, said, "give the tenant, one alone: --tenant ID");
  if (contains(text, "pipeline error"))
    throw Error(ErrorCode::usage, said, "add | __error__=\"\" behind the parser of the query");
  const LokiLimit limit = limit_of(text);
  if (limit.entries || limit.length_ns || contains(text, "maximum of series") ||
      contains(text, "maximum resolution") || contains(text, "too many"))
    throw Error(ErrorCode::budget, said, "narrow the query, or shorten the window");
  if (response.status == 504 || contains(text, "context deadline exceeded"))
    throw Error(ErrorCode::budget, "Loki gave up on the query: " + text,
                "shorten the window or narrow the selector");
  if (response.status == 400 && !text.empty() && !net::is_web_page(response))
    throw Error(ErrorCode::usage, said + place_of(text, query), "correct the query");
  net::require_success(response, "Loki");
  malformed("the answer is no JSON object");
}

struct Unit {
  std::string_view name;
  double seconds;
};

/// "30d1h", "721h", "1m30s": as Prometheus and Go write durations.
std::optional<std::int64_t> duration_ns(std::string_view text) {
  constexpr std::array<Unit, 9> units{{{"ms", 1e-3},
                                       {"us", 1e-6},
                                       {"ns", 1e-9},
                                       {"y", 365 * 86400.0},
                                       {"w", 7 * 86400.0},
                                       {"d", 86400},
                                       {"h", 3600},
                                       {"m", 60},
                                       {"s", 1}}};
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc()) break;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    const auto* const unit = std::find_if(units.begin(), units.end(), [&](const Unit& candidate) {
      return text.starts_with(candidate.name);
    });
    if (unit == units.end()) break;
    text.remove_prefix(unit->name.size());
    total += number * unit->seconds;
  }
  if (!(total >= 1e-3) || total > 3e9) return std::nullopt;
  return static_cast<std::int64_t>(total * 1e9);
}

}  // namespace

LokiLimit limit_of(std::string_view error_text) {
  LokiLimit limit;
  // "limit > max_entries_limit_per_query (10000 > 5000)"
  if (contains(error_text, "max_entries_limit")) {
    const auto sign = error_text.rfind("> ");
    std::int64_t most = 0;
    if (sign != std::string_view::npos)
      std::from_chars(error_text.data() + sign + 2, error_text.data() + error_text.size(), most);
    if (most > 0) limit.entries = most;
  }
  // "the query time range exceeds the limit (query length: 72h0m0s, limit: 1d)"
  constexpr std::string_view word = "limit: ";
  const auto place = error_text.rfind(word);
  if (contains(error_text, "query length") && place != std::string_view::npos)
    limit.length_ns = duration_ns(error_text.substr(place + word.size()));
  return limit;
}

/// A selector opens with a brace; a metric query has a function before it.
bool is_log_query(std::string_view query) {
  for (std::size_t i = 0; i < query.size(); ++i) {
    if (query[i] == '#') {
      i = std::min(query.find('\n', i), query.size());
    } else if (static_cast<unsigned char>(query[i]) > ' ' && query[i] != '(') {
      return query[i] == '{';
    }
  }
  return false;
}

LokiAnswer parse_loki_answer(const net::Response& response, std::string_view query) {
  LokiAnswer answer;
  std::string status;
  JsonCursor cursor(read_from(response.body));
  if (response.status < 200 || response.status > 299 || cursor.peek() != JsonCursor::Kind::object)
    refuse(response, query);
  cursor.object([&](std::string_view key) {
    if (key == "status")
      status = cursor.text();
    else if (key == "data")
      data_at(cursor, answer);
    else if (key == "warnings")
      cursor.array([&] { answer.warnings.emplace_back(cursor.text()); });
    else
      cursor.skip();
  });
  if (!cursor.whole()) malformed("the answer is cut or broken: " + cursor.problem());
  if (status != "success") malformed("the answer has no status");
  return answer;
}

}  // namespace triage::backends
