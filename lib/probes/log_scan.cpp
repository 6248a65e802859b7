#include "lib/probes/log_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "lib/probes/log_stack.h"
#include "lib/probes/log_text.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t most_routes = 500;
constexpr std::size_t most_messages = 2000;
constexpr std::size_t most_stacks = 1000;
constexpr std::size_t most_trace_ids = 3;
constexpr double smallest_ms = 0.01;
constexpr double buckets_per_doubling = 32;
constexpr std::size_t bucket_count = 1024;

double seconds_of(std::int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

void widen(std::optional<double>& first, std::optional<double>& last, std::int64_t at_ms) {
  const double at = seconds_of(at_ms);
  if (!first || at < *first) first = at;
  if (!last || at > *last) last = at;
}

/// 16 or 32 hex digits (W3C Trace Context; Zipkin's short form).
bool is_trace_id(std::string_view text) {
  return (text.size() == 32 || text.size() == 16) &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

void DurationHistogram::add(double milliseconds) {
  if (counts_.empty()) counts_.resize(bucket_count);
  const double place =
      std::log2(std::max(milliseconds, smallest_ms) / smallest_ms) * buckets_per_doubling;
  ++counts_[std::min(static_cast<std::size_t>(place), bucket_count - 1)];
  ++total_;
}

std::optional<double> DurationHistogram::quantile(double share) const {
  if (total_ == 0) return std::nullopt;
  const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(total_)));
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < std::max<std::int64_t>(wanted, 1)) continue;
    const double middle =
        smallest_ms * std::exp2((static_cast<double>(i) + 0.5) / buckets_per_doubling);
    return std::round(middle * 100) / 100;
  }
  return std::nullopt;
}

LogScan::LogScan(const std::vector<Signature>& table, Window window, std::int64_t reference_ms)
    : table_(table),
      matcher_(matcher_of(table)),
      window_(window),
      reference_ms_(reference_ms),
      hits_(table.size()) {}

void LogScan::start_file(const std::string& name) {
  file_ = 0;
  while (file_ < sample_.files.size() && sample_.files[file_].name != name) ++file_;
  if (file_ == sample_.files.size()) sample_.files.push_back({name, 0, 0, {}, {}});
  last_ms_.reset();
}

LogScan::Part LogScan::part_of(std::optional<std::int64_t> at_ms) const {
  // Without any time everything is "now": the counts are of the whole file, and a gap says so.
  if (!window_.from_ms || !window_.to_ms) return Part::now;
  if (!at_ms || *at_ms > *window_.to_ms) return Part::outside;
  if (*at_ms >= *window_.from_ms) return Part::now;
  const std::int64_t length = *window_.to_ms - *window_.from_ms;
  return *at_ms >= *window_.from_ms - length ? Part::baseline : Part::outside;
}

void LogScan::add(std::string_view text, const LineContext& context) {
  ++sample_.lines_count;
  FileFacts& file = sample_.files[file_];
  ++file.lines_count;
  LogLine line = parse_line(text, reference_ms_);
  if (line.level == Level::none && !line.continuation) line.level = context.level;
  if (line.trace_id.empty()) line.trace_id = context.trace_id;
  const auto own_ms = context.at_ms ? context.at_ms : line.at_ms;
  if (own_ms) {
    ++sample_.known_count;
    widen(file.first_s, file.last_s, *own_ms);
    last_ms_ = own_ms;
  } else if (line.continuation || text.empty()) {
    ++sample_.continuation_count;
  }
  const Part part = part_of(last_ms_);
  if (text.empty()) return;
  if (part == Part::now) ++sample_.window_lines_count;
  if (part == Part::baseline) ++sample_.baseline_lines_count;
  if (!line.continuation) count_level(part, line.level);
  if (part != Part::outside && line.status != 0 && (line.duration_ms || !line.route.empty()))
    count_request(part, line);
  if (part != Part::outside && line.level == Level::error) count_error(part, line, text);
  if (part != Part::outside) count_stack(part, line, text);
  if (part != Part::outside && !line.continuation) count_template(part, line, text);
  for (std::uint64_t found = matcher_.groups_in(text); found != 0; found &= found - 1) {
    const auto row = static_cast<std::size_t>(std::countr_zero(found));
    note(hits_[row], part, text);
  }
}

/// Counts one line more, with its time and file.
void LogScan::note_time(Hits& hits, Part part) {
  ++hits.total_count;
  if (part == Part::now) ++hits.count;
  if (part == Part::baseline) ++hits.baseline_count;
  if (last_ms_) widen(hits.first_s, hits.last_s, *last_ms_);
  const std::string& name = sample_.files[file_].name;
  if (std::find(hits.files.begin(), hits.files.end(), name) == hits.files.end())
    hits.files.push_back(name);
}

/// Stacks are grouped by the first frame in the service's own code.
void LogScan::count_stack(Part part, const LogLine& line, std::string_view text) {
  if (!line.continuation) in_error_ = line.level == Level::error;
  const auto frame = !line.stack.empty()              ? first_own_frame(line.stack)
                     : line.continuation && in_error_ ? own_frame(text)
                                                      : std::string_view{};
  if (frame.empty()) return;
  in_error_ = false;
  std::string key = cut(printable(redactor_.apply(frame)), example_bytes);
  if (sample_.stacks.size() >= most_stacks && !sample_.stacks.contains(key)) key = "(other)";
  note(sample_.stacks[key], part, text);
}

void LogScan::note(Hits& hits, Part part, std::string_view text) {
  note_time(hits, part);
  if (hits.example.empty() || (part == Part::now && hits.count == 1))
    // Redact before the cut, which could take the sign that marks a secret.
    hits.example =
        cut(printable(redactor_.apply(text.substr(0, 16 * example_bytes))), example_bytes);
}

void LogScan::count_level(Part part, Level level) {
  if (part == Part::outside) return;
  Levels& levels = part == Part::now ? sample_.levels : sample_.baseline_levels;
  switch (level) {
    case Level::error:
      ++levels.error_count;
      break;
    case Level::warn:
      ++levels.warn_count;
      break;
    case Level::info:
      ++levels.info_count;
      break;
    case Level::debug:
      ++levels.debug_count;
      break;
    case Level::none:
      ++levels.none_count;
      break;
  }
}

void LogScan::count_request(Part part, const LogLine& line) {
  const auto count = [&](RouteCount& pair) {
    RequestCount& requests = part == Part::now ? pair.now : pair.baseline;
    ++requests.count;
    if (line.status >= 500) ++requests.error_count;
    if (line.duration_ms) requests.durations.add(*line.duration_ms);
  };
  count(requests_);
  if (line.route.empty()) return;
  std::string route = normalise_route(line.method, line.route);
  auto place = routes_.find(route);
  if (place == routes_.end()) {
    if (routes_.size() >= most_routes) route = "(other)";
    place = routes_.try_emplace(printable(std::move(route))).first;
  }
  count(place->second);
}

/// Redacting is dear and messages repeat: the text as it came leads to its row.
Hits& LogScan::message_hits(std::string_view words) {
  std::string raw = normalise_message(words);
  const auto known = known_messages_.find(raw);
  if (known != known_messages_.end()) return *known->second;
  std::string key = cut(printable(normalise_message(redactor_.apply(words))), example_bytes);
  if (sample_.messages.size() >= most_messages && !sample_.messages.contains(key)) key = "(other)";
  Hits& hits = sample_.messages[key];
  if (known_messages_.size() >= most_messages) known_messages_.clear();
  known_messages_.emplace(std::move(raw), &hits);
  return hits;
}

void LogScan::count_error(Part part, const LogLine& line, std::string_view text) {
  Hits& hits = message_hits(words_of(line, text).substr(0, 16 * example_bytes));
  note(hits, part, text);
  if (part == Part::now && hits.trace_ids.size() < most_trace_ids && is_trace_id(line.trace_id))
    hits.trace_ids.emplace_back(line.trace_id);
}

RequestPair LogScan::facts_of(const RouteCount& route) {
  const auto facts = [](const RequestCount& requests) {
    return RequestFacts{requests.count, requests.error_count, requests.durations.quantile(0.5),
                        requests.durations.quantile(0.99)};
  };
  return {facts(route.now), facts(route.baseline)};
}

void LogScan::finish(Sample& sample) {
  finish_templates();
  for (std::size_t row = 0; row < table_.size(); ++row) {
    if (hits_[row].total_count == 0) continue;
    hits_[row].meaning = table_[row].meaning;
    hits_[row].severity = name_of(table_[row].severity);
    hits_[row].texts = table_[row].texts;
    sample_.signatures[table_[row].id] = std::move(hits_[row]);
  }
  for (const auto& [name, route] : routes_) sample_.routes[name] = facts_of(route);
  sample_.requests = facts_of(requests_);
  for (const auto& file : sample_.files) {
    if (!file.first_s) continue;
    sample_.first_s = std::min(sample_.first_s.value_or(*file.first_s), *file.first_s);
    sample_.last_s = std::max(sample_.last_s.value_or(*file.last_s), *file.last_s);
  }
  sample_.bytes = sample.bytes;
  sample_.complete = sample.complete;
  sample_.gaps = std::move(sample.gaps);
  sample_.server = std::move(sample.server);
  sample_.curves = std::move(sample.curves);
  sample_.metric = sample.metric;
  sample = std::move(sample_);
  if (window_.from_ms) sample.from_s = seconds_of(*window_.from_ms);
  if (window_.to_ms) sample.to_s = seconds_of(*window_.to_ms);
}

}  // namespace triage::probes::logs
