#include "lib/backends/loki.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/base/json_cursor.h"

namespace triage::backends {
namespace {

constexpr double most_points = 11'000;                    ///< per series, as in Prometheus
constexpr std::int64_t least_length_ns = 60'000'000'000;  ///< a shorter limit makes a flood
constexpr int most_lessons = 8;
/// Of lines with equal stamps those with and those without each text are asked apart.
constexpr std::string_view dividers = "0123456789abcdefghijklmn";

net::Request request_of(const std::string& path, net::Pairs parameters) {
  net::Request request;
  request.path = path;
  request.parameters = std::move(parameters);
  request.post_when_long = true;
  // Otherwise each trace id makes a stream of its own.
  request.headers = {{"X-Loki-Response-Encoding-Flags", "categorize-labels"}};
  return request;
}

std::string key_of(const LokiAnswer& page, const LokiEntry& entry) {
  return series_name(page.streams[entry.stream]) + series_name(entry.metadata) + '\n' + entry.line;
}

void append(LokiAnswer& to, LokiAnswer& from) {
  const std::size_t first = to.streams.size();
  to.type = from.type;
  std::move(from.streams.begin(), from.streams.end(), std::back_inserter(to.streams));
  for (auto& entry : from.entries) {
    entry.stream += first;
    to.entries.push_back(std::move(entry));
  }
}

std::int64_t nanoseconds(double seconds) {
  return static_cast<std::int64_t>(std::llround(seconds * 1e3)) * 1'000'000;
}

net::Request range_request(const std::string& query, double from_s, double to_s, double step_s) {
  const double step = std::max(step_s, std::ceil((to_s - from_s) / (most_points - 1)));
  return request_of("/loki/api/v1/query_range", {{"query", query},
                                                 {"start", fmt::format("{}", nanoseconds(from_s))},
                                                 {"end", fmt::format("{}", nanoseconds(to_s))},
                                                 {"step", fmt::format("{}", step)}});
}

}  // namespace

Loki::Loki(std::string_view address, net::ClientOptions options, std::int64_t page,
           Session& session)
    : client_(address, std::move(options), session),
      session_(session),
      page_(page),
      most_length_ns_(std::numeric_limits<std::int64_t>::max()) {}

net::Response Loki::get(const net::Request& request) {
  net::Response response = client_.send(request);
  ++reading_.requests_count;
  const auto at = net::date_s(response);
  if (at) clock_offset_s_ = std::round(*at - to_epoch_seconds(session_.clock().now()));
  return response;
}

net::Request Loki::page_request(const std::string& query, std::int64_t from_ns,
                                std::int64_t to_ns) const {
  return request_of("/loki/api/v1/query_range", {{"query", query},
                                                 {"start", fmt::format("{}", from_ns)},
                                                 {"end", fmt::format("{}", to_ns)},
                                                 {"limit", fmt::format("{}", page_)},
                                                 {"direction", "backward"}});
}

/// A page; nothing when the server named a limit that is heeded from now on.
std::optional<LokiAnswer> Loki::ask(const std::string& query, std::int64_t from_ns,
                                    std::int64_t to_ns) {
  const net::Response response = get(page_request(query, from_ns, to_ns));
  if (response.status == 400) {
    const LokiLimit limit = limit_of(response.body);
    if (limit.entries && *limit.entries < page_) {
      page_ = *limit.entries;
      reading_.page_limit = page_;
      return std::nullopt;
    }
    if (limit.length_ns && *limit.length_ns >= least_length_ns &&
        *limit.length_ns < to_ns - from_ns) {
      most_length_ns_ = *limit.length_ns;
      reading_.length_limit_ns = most_length_ns_;
      return std::nullopt;
    }
  }
  LokiAnswer answer = parse_loki_answer(response, query);
  if (answer.type != "streams")
    throw Error(ErrorCode::malformed,
                fmt::format("Loki answered a log query with a {}", answer.type),
                "check that the address is that of Loki");
  const auto outside = [&](const LokiEntry& entry) {
    return entry.at_ns < from_ns || entry.at_ns >= to_ns;
  };
  const bool some = !answer.entries.empty();
  answer.entries.erase(std::remove_if(answer.entries.begin(), answer.entries.end(), outside),
                       answer.entries.end());
  if (some && answer.entries.empty())
    throw Error(ErrorCode::malformed, "Loki answered with lines of another time than asked for",
                "check that the address is that of Loki");
  return answer;
}

/// All lines of one nanosecond.
void Loki::read_stamp(const std::string& query, std::int64_t at_ns, std::size_t depth,
                      LokiAnswer& all) {
  auto page = ask(query, at_ns, at_ns + 1);
  if (!page) page = ask(query, at_ns, at_ns + 1);
  if (!page) throw Error(ErrorCode::malformed, "Loki's limits change from answer to answer");
  if (static_cast<std::int64_t>(page->entries.size()) < page_) return append(all, *page);
  if (depth == dividers.size() || session_.cancelled()) {
    reading_.stamps_cut = true;
    return append(all, *page);
  }
  for (const char* sign : {"|=", "!="})
    read_stamp(fmt::format("{}\n{} `{}`", query, sign, dividers[depth]), at_ns, depth + 1, all);
}

/// Takes out what was given before; equal lines count as often as they are there.
void Loki::leave_out(LokiAnswer& page, std::int64_t at_ns, Seen& seen) {
  if (seen.empty()) return;
  const auto known = [&](const LokiEntry& entry) {
    if (entry.at_ns != at_ns) return false;
    const auto place = seen.find(key_of(page, entry));
    return place != seen.end() && place->second-- > 0;
  };
  page.entries.erase(std::remove_if(page.entries.begin(), page.entries.end(), known),
                     page.entries.end());
}

LokiReading Loki::read(const LokiWindow& window, const OnPage& on_page) {
  reading_ = {};
  std::int64_t end = window.to_ns;
  int lessons = 0;
  Seen seen;  // of the stamp end - 1
  while (end > window.from_ns && !session_.cancelled()) {
    const std::int64_t start =
        most_length_ns_ < end - window.from_ns ? end - most_length_ns_ : window.from_ns;
    auto page = ask(window.query, start, end);
    if (!page && ++lessons <= most_lessons) continue;
    if (!page) throw Error(ErrorCode::malformed, "Loki's limits change from answer to answer");
    const std::int64_t last = end - 1;
    Seen next;
    if (static_cast<std::int64_t>(page->entries.size()) < page_) {
      end = start;
    } else {
      const auto by_time = [](const LokiEntry& a, const LokiEntry& b) { return a.at_ns < b.at_ns; };
      const auto [oldest, newest] =
          std::minmax_element(page->entries.begin(), page->entries.end(), by_time);
      const std::int64_t at = oldest->at_ns;
      if (at == newest->at_ns) {
        page.emplace();
        read_stamp(window.query, at, 0, *page);
        end = at;
      } else {
        for (const auto& entry : page->entries)
          if (entry.at_ns == at) ++next[key_of(*page, entry)];
        end = at + 1;
      }
    }
    leave_out(*page, last, seen);
    seen = std::move(next);
    reading_.lines_count += static_cast<std::int64_t>(page->entries.size());
    if (!on_page(*page)) break;
    if (reading_.lines_count < window.most_lines || end <= window.from_ns) continue;
    reading_.limited = true;
    break;
  }
  return reading_;
}

LokiAnswer Loki::range(const std::string& query, double from_s, double to_s, double step_s) {
  return parse_loki_answer(get(range_request(query, from_s, to_s, step_s)), query);
}

LokiAnswer Loki::instant(const std::string& query, std::int64_t at_ns) {
  return parse_loki_answer(
      get(request_of("/loki/api/v1/query", {{"query", query}, {"time", fmt::format("{}", at_ns)}})),
      query);
}

std::vector<std::string> Loki::labels(std::int64_t from_ns, std::int64_t to_ns) {
  const net::Response response =
      get(request_of("/loki/api/v1/labels",
                     {{"start", fmt::format("{}", from_ns)}, {"end", fmt::format("{}", to_ns)}}));
  (void)parse_loki_answer(response, "");
  std::vector<std::string> names;
  JsonCursor cursor(read_from(response.body));
  cursor.object([&](std::string_view key) {
    if (key == "data")
      cursor.array([&] { names.emplace_back(cursor.text()); });
    else
      cursor.skip();
  });
  return names;
}

std::string Loki::repeat_line(const LokiWindow& window) const {
  return client_.curl_line(page_request(window.query, window.from_ns, window.to_ns));
}

std::string Loki::range_line(const std::string& query, double from_s, double to_s,
                             double step_s) const {
  return client_.curl_line(range_request(query, from_s, to_s, step_s));
}

}  // namespace triage::backends
