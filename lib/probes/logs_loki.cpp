#include "lib/probes/logs_loki.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/probes/log_fields.h"

namespace triage::probes::logs {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr double series_points = 240;
constexpr double least_step_s = 1;

/// First of the labels that is there; empty otherwise.
std::string_view label_of(const backends::Labels& labels,
                          std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = labels.find(name);
    if (found != labels.end() && !found->second.empty()) return found->second;
  }
  return {};
}

Level level_of(const backends::Labels& labels) {
  return level_of_word(label_of(labels, {"level", "severity", "detected_level"}));
}

/// The text as a part of a regular expression (RE2).
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// As LogQL's string literal.
std::string quoted(const std::string& text) {
  return dump_json(Json(text));
}

/// `range` covers [from_ms, to_ms) when it is asked at to_ms - 1 ns.
std::string counted(const std::string& query, const char* by, std::int64_t range_ms) {
  return fmt::format("sum by ({}) (count_over_time({}\n[{}ms]))", by, query, range_ms);
}

std::int64_t number_of(const backends::TimeSeries& series) {
  return series.values.empty() || !std::isfinite(series.values.back())
             ? 0
             : std::llround(series.values.back());
}

void add_level(Levels& levels, Level level, std::int64_t count) {
  switch (level) {
    case Level::error:
      levels.error_count += count;
      break;
    case Level::warn:
      levels.warn_count += count;
      break;
    case Level::info:
      levels.info_count += count;
      break;
    case Level::debug:
      levels.debug_count += count;
      break;
    case Level::none:
      levels.none_count += count;
      break;
  }
}

void note_labels(backends::Loki& loki, Window window, Sample& sample) {
  const auto names = attempt(sample.gaps, "server", [&] {
    return loki.labels(*window.from_ms * ns_per_ms, *window.to_ms * ns_per_ms);
  });
  if (!names) return;
  sample.gaps.push_back(
      {"server", "not_found", "Loki has no line of this query in the window or before it",
       names->empty() ? std::string("Loki has no logs at all then: check --from and --to")
                      : fmt::format("check the query; labels there: {}", fmt::join(*names, ", "))});
}

}  // namespace

void LokiSource::count_levels(backends::Loki& loki, std::int64_t from_ms, std::int64_t to_ms,
                              LokiCounts& counts) const {
  const auto answer = loki.instant(
      counted(options_.query, "level, detected_level", to_ms - from_ms), to_ms * ns_per_ms - 1);
  for (const auto& series : answer.series) {
    add_level(counts.levels, level_of(series.labels), number_of(series));
    counts.total += number_of(series);
  }
}

/// All known texts in one pass over the lines.
void LokiSource::count_texts(backends::Loki& loki, std::int64_t from_ms, std::int64_t to_ms,
                             LokiCounts& counts) const {
  std::map<std::string, std::string> ids;
  std::vector<std::string> parts;
  for (const auto& signature : table_)
    for (const auto& text : signature.texts) {
      ids.emplace(text, signature.id);
      parts.push_back(escaped(text));
    }
  const std::string any = fmt::format("{}", fmt::join(parts, "|"));
  const std::string query = fmt::format("{}\n|~ {} | regexp {}", options_.query, quoted(any),
                                        quoted("(?P<triage_text>" + any + ")"));
  const auto answer =
      loki.instant(counted(query, "triage_text", to_ms - from_ms), to_ms * ns_per_ms - 1);
  for (const auto& series : answer.series) {
    const auto id = ids.find(std::string(label_of(series.labels, {"triage_text"})));
    if (id != ids.end()) counts.signatures[id->second] += number_of(series);
  }
}

void LokiSource::count(backends::Loki& loki, Window window, Sample& sample) {
  const std::int64_t end = *window.to_ms + 1;
  const std::int64_t start = *window.from_ms;
  const std::int64_t before = start - (*window.to_ms - start);
  const auto both = [&](auto&& one) {
    one(start, end, *now_);
    one(before, start, *before_);
  };
  now_.emplace();
  before_.emplace();
  const bool done = attempt(sample.gaps, "server.counted_count", [&] {
                      both([&](std::int64_t from, std::int64_t to, LokiCounts& counts) {
                        count_levels(loki, from, to, counts);
                      });
                      return true;
                    }).value_or(false);
  if (done) sample.server->counted_count = now_->total + before_->total;
  limited_ = done && now_->total + before_->total > options_.most_lines;
  const bool texts =
      limited_ && attempt(sample.gaps, "signatures", [&] {
                    both([&](std::int64_t from, std::int64_t to, LokiCounts& counts) {
                      count_texts(loki, from, to, counts);
                    });
                    return true;
                  }).value_or(false);
  if (!done || (limited_ && !texts)) now_.reset();
}

/// Says what was not read.
void LokiSource::verify(const backends::LokiReading& reading, Sample& sample) const {
  if (limited_ || reading.limited)
    sample.gaps.push_back(
        {"requests", "budget",
         fmt::format("{} lines are more than --most-lines {}: {}; messages, requests, stacks and "
                     "templates are unknown",
                     sample.server->counted_count ? format_count(*sample.server->counted_count)
                                                  : std::string("there"),
                     format_count(options_.most_lines),
                     now_ ? "Loki counted the levels and known texts (a line with two counts once)"
                          : "levels and known texts are of the newest"),
         "narrow the query, shorten --window, or raise --most-lines"});
  else if (sample.server->counted_count && reading.lines_count < *sample.server->counted_count)
    sample.gaps.push_back({"server.lines_count", "malformed",
                           fmt::format("Loki counts {} lines and gave {}",
                                       format_count(*sample.server->counted_count),
                                       format_count(reading.lines_count)),
                           "ask again; is a limit in a gateway before it?"});
  else if (!reading.stamps_cut)
    return;
  if (reading.stamps_cut)
    sample.gaps.push_back({"server.lines_count", "budget",
                           "more equal lines have one time stamp than Loki gives at a time",
                           "narrow the query"});
  sample.complete = false;
}

void LokiSource::read(Window window, LogScan& scan, Sample& sample) {
  if (options_.batch < 2 || options_.most_lines < 1)
    throw Error(ErrorCode::usage, "--batch is 2 or more, --most-lines 1 or more");
  backends::Loki loki(options_.loki, net::client_options(options_.http, "Loki"), options_.batch,
                      session_);
  session_.progress("asking " + loki.address());
  sample.server = ServerFacts{loki.address(), options_.query, 0, 0, {}, {}, {}, {}, {}};
  count(loki, window, sample);
  const std::int64_t length = *window.to_ms - *window.from_ms;
  const backends::LokiWindow wanted{options_.query, (*window.from_ms - length) * ns_per_ms,
                                    (*window.to_ms + 1) * ns_per_ms,
                                    limited_ ? 1 : options_.most_lines};
  scan.start_file("loki " + options_.query);
  std::int64_t bytes = 0;
  const auto reading = loki.read(wanted, [&](backends::LokiAnswer& page) {
    // By stream, oldest first: a stack stays below its error.
    std::stable_sort(page.entries.begin(), page.entries.end(), [](const auto& a, const auto& b) {
      return a.stream != b.stream ? a.stream < b.stream : a.at_ns < b.at_ns;
    });
    for (const auto& entry : page.entries) {
      const auto& labels = page.streams[entry.stream];
      const Level own = level_of(entry.metadata);
      const auto trace = label_of(entry.metadata, {"trace_id", "traceID", "traceId"});
      bytes += static_cast<std::int64_t>(entry.line.size()) + 1;
      scan.add(entry.line,
               {entry.at_ns / ns_per_ms, own == Level::none ? level_of(labels) : own,
                trace.empty() ? label_of(labels, {"trace_id", "traceID", "traceId"}) : trace});
    }
    session_.progress(fmt::format("{} lines from Loki",
                                  format_count(static_cast<std::int64_t>(page.entries.size()))));
    return true;
  });
  scan.count_bytes(bytes);
  sample.bytes += bytes;
  sample.server->lines_count = reading.lines_count;
  sample.server->requests_count = reading.requests_count;
  sample.server->page_limit_count = reading.page_limit;
  if (reading.length_limit_ns)
    sample.server->window_limit_s = static_cast<double>(*reading.length_limit_ns) * 1e-9;
  sample.server->clock_offset_s = loki.clock_offset_s();
  sample.server->repeat = loki.repeat_line(wanted);
  if (session_.cancelled())
    sample.gaps.push_back({"server.lines_count", "budget", "stopped before all lines were read",
                           "give more time, or narrow the query"});
  if (session_.cancelled()) sample.complete = false;
  verify(reading, sample);
  limited_ = limited_ || reading.limited;
  if (reading.lines_count == 0) note_labels(loki, window, sample);
}

void LokiSource::add_counts(Sample& sample) const {
  // The scan took the query for a file.
  if (sample.server && !sample.metric && !sample.files.empty()) sample.files.pop_back();
  if (!limited_) return;
  sample.messages.clear();
  sample.stacks.clear();
  sample.templates.clear();
  sample.routes.clear();
  sample.requests = {};
  if (!now_) return;
  sample.levels = now_->levels;
  sample.baseline_levels = before_->levels;
  sample.lines_count = now_->total + before_->total;
  sample.window_lines_count = now_->total;
  sample.baseline_lines_count = before_->total;
  for (const auto& signature : table_) {
    const auto in = [&](const LokiCounts& counts) {
      const auto found = counts.signatures.find(signature.id);
      return found == counts.signatures.end() ? 0 : found->second;
    };
    if (in(*now_) + in(*before_) == 0) continue;
    Hits& hits = sample.signatures[signature.id];
    hits.count = in(*now_);
    hits.baseline_count = in(*before_);
    hits.total_count = hits.count + hits.baseline_count;
    hits.first_s.reset();  // of the lines that were read only
    hits.meaning = signature.meaning;
    hits.severity = name_of(signature.severity);
    hits.texts = signature.texts;
  }
}

void LokiSource::read_series(Window window, Sample& sample) {
  backends::Loki loki(options_.loki, net::client_options(options_.http, "Loki"), options_.batch,
                      session_);
  session_.progress("asking " + loki.address());
  const double from = static_cast<double>(*window.from_ms) / 1000;
  const double to = static_cast<double>(*window.to_ms) / 1000;
  const double step = std::max(least_step_s, std::ceil((to - from) / series_points));
  const auto answer = loki.range(options_.query, from, to, step);
  sample.metric = true;
  sample.server = ServerFacts{loki.address(), options_.query, 0, 1, {}, {}, {}, {}, {}};
  sample.server->clock_offset_s = loki.clock_offset_s();
  sample.server->repeat = loki.range_line(options_.query, from, to, step);
  for (const auto& warning : answer.warnings)
    sample.gaps.push_back({"series", "malformed", "Loki says: " + warning, ""});
  for (const auto& series : answer.series)
    sample.curves.push_back(promq::curve_of(series, {from, to, step}));
}

}  // namespace triage::probes::logs
