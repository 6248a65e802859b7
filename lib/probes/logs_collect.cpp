#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/log_follow.h"
#include "lib/probes/log_scan.h"
#include "lib/probes/log_source.h"
#include "lib/probes/log_time.h"
#include "lib/probes/logs.h"
#include "lib/probes/logs_loki.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t tail_bytes = std::size_t{256} * 1024;

std::int64_t to_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// The user's own words: a mistake in them is a mistake of usage.
std::int64_t given_time(const std::string& text, const char* option) {
  if (text.size() >= 19 && text[4] == '-') {
    const auto time = leading_time(text, 0);
    if (time && time->used == text.size()) return time->ms;
  }
  throw Error(ErrorCode::usage, fmt::format("{}: '{}' is not a time", option, text),
              "write it like 2026-11-24T02:04:31Z");
}

/// A runbook has one list for all logs: '{app="api"}' and 'http://loki:3100{app="api"}' in it are a
/// query, 'journal:api' a unit.
Options sorted_sources(Options options) {
  std::vector<std::string> files;
  for (auto& name : options.file) {
    constexpr std::string_view journal = "journal:";
    const auto brace = name.find('{');
    const bool query = brace == 0 || (brace != std::string::npos && name.starts_with("http"));
    if (query && !options.query.empty())
      throw Error(ErrorCode::usage, "two queries for Loki", "join them: {app=~\"a|b\"}");
    if (query) {
      options.query = name.substr(brace);
      if (brace > 0) options.loki = name.substr(0, brace);
    } else if (name.starts_with(journal)) {
      options.journal.push_back(name.substr(journal.size()));
    } else {
      files.push_back(std::move(name));
    }
  }
  options.file = std::move(files);
  return options;
}

/// Whether a source is asked for a stretch of time, not read to its end.
bool has_stretch(const Options& options) {
  return !options.query.empty() || !options.journal.empty();
}

struct WindowChoice {
  Window window;
  std::string anchor;
};

WindowChoice choose_window(const Options& options, std::optional<std::int64_t> last_ms,
                           std::int64_t now_ms) {
  WindowChoice choice;
  std::optional<std::int64_t> end;
  std::optional<std::int64_t> start;
  if (!options.from.empty()) start = given_time(options.from, "from");
  if (!options.to.empty()) {
    end = given_time(options.to, "to");
    choice.anchor = "given";
  } else if (!options.since.empty()) {
    end = now_ms;
    choice.anchor = "now";
  } else if (last_ms) {
    end = last_ms;
    choice.anchor = "last line";
  } else {
    // A server is asked for a stretch of time, whatever it has.
    const bool now = start || has_stretch(options);
    choice.anchor = now ? "now" : "none";
    if (now) end = now_ms;
  }
  if (!options.since.empty() && !start) {
    const bool time = options.since.size() >= 19;
    start = time ? given_time(options.since, "since")
                 : now_ms - parse_duration(options.since, "since").count();
  }
  if (end && !start) start = *end - options.window.count();
  if (start && end && *start >= *end)
    throw Error(ErrorCode::usage, "the window ends before it starts",
                "check --from, --to and --since; the last line may be older than --from");
  choice.window = {start, end};
  return choice;
}

std::vector<Signature> signatures_of(const Options& options) {
  std::vector<Signature> table = builtin_signatures();
  if (options.signatures != "builtin")
    extend_signatures(table, read_small_file(options.signatures), options.signatures);
  return table;
}

/// Logs are in order of time but for threads that overtake each other: the latest of the tail.
std::optional<std::int64_t> last_time(std::vector<LogSource>& sources, std::int64_t reference_ms) {
  std::optional<std::int64_t> last;
  for (auto& source : sources)
    source.read_tail(tail_bytes, [&](std::string_view line) {
      const auto time = parse_line(line, reference_ms).at_ms;
      if (time && (!last || *time > *last)) last = time;
      return true;
    });
  return last;
}

std::vector<LogSource> open_sources(const Options& options, Session& session,
                                    std::vector<Gap>& gaps) {
  if (options.file.empty() && !has_stretch(options))
    throw Error(ErrorCode::usage, "no log was named",
                "triage logs app.log, '-' for stdin, or --query '{app=\"api\"}' for Loki");
  std::vector<LogSource> sources;
  for (const auto& name : options.file) {
    auto source = attempt(gaps, "files." + name, [&] { return LogSource(name, session); });
    if (source) sources.push_back(std::move(*source));
  }
  if (sources.empty() && !has_stretch(options)) {
    const Gap& first = gaps.front();
    throw Error(error_code_of(first.code), first.why, first.remedy);
  }
  return sources;
}

void scan_source(LogSource& source, LogScan& scan, Sample& sample, Session& session) {
  const auto start = session.clock().monotonic();
  session.progress("reading " + source.name());
  scan.start_file(source.name());
  const auto reading = attempt(sample.gaps, "files." + source.name(), [&] {
    return source.read(
        [&](std::string_view line) {
          scan.add(line);
          return true;
        },
        session);
  });
  const std::chrono::duration<double, std::milli> took = session.clock().monotonic() - start;
  session.touch({"log file", source.name() == "-" ? "stdin" : source.name(), 1, took.count()});
  sample.complete = sample.complete && reading && reading->complete && source.problem().empty();
  if (!reading) return;
  sample.bytes += reading->bytes;
  scan.count_bytes(reading->bytes);
  if (!reading->complete)
    sample.gaps.push_back(
        {"files." + source.name(), "budget",
         fmt::format("stopped after {}", format_bytes(static_cast<double>(reading->bytes))),
         "give more time, or a shorter log"});
  if (!source.problem().empty())
    sample.gaps.push_back({"files." + source.name(), "malformed",
                           "its end was not unpacked: " + source.problem(),
                           "check it with gzip -t or zstd -t, and copy it again"});
  if (reading->cut_count > 0)
    sample.gaps.push_back(
        {"files." + source.name(), "malformed",
         fmt::format("{} lines are longer than 1 MiB; their rest was not read", reading->cut_count),
         ""});
  if (reading->zero_bytes * 10 > reading->bytes)
    sample.gaps.push_back({"files." + source.name(), "malformed",
                           "a tenth or more are zero bytes: binary, or truncated while open",
                           "rotate with copytruncate only when the writer appends"});
}

/// From the stretch before the window on. Throws when there is no other source.
void add_journals(const Options& options, Window window, Session& session,
                  std::vector<LogSource>& sources, std::vector<Gap>& gaps) {
  for (const auto& unit : options.journal) {
    auto source = attempt(gaps, "files.journal:" + unit, [&] {
      return LogSource::of_journal(unit, 2 * *window.from_ms - *window.to_ms, *window.to_ms,
                                   session);
    });
    if (source) sources.push_back(std::move(*source));
  }
  if (!sources.empty() || !options.query.empty()) return;
  const Gap& first = gaps.front();
  throw Error(error_code_of(first.code), first.why, first.remedy);
}

/// Beside files a server that does not answer is a gap.
void read_loki(LokiSource& loki, Window window, LogScan& scan, Sample& sample) {
  if (sample.bytes == 0) return loki.read(window, scan, sample);
  const auto done = attempt(sample.gaps, "server", [&] {
    loki.read(window, scan, sample);
    return true;
  });
  if (!done) sample.complete = false;
}

}  // namespace

Sample collect(const Options& given, Session& session) {
  const Options options = sorted_sources(given);
  if (options.window.count() <= 0 || options.top < 0)
    throw Error(ErrorCode::usage, "window and top must be positive", "for example --window 15m");
  const std::vector<Signature> table = signatures_of(options);
  if (options.follow) {
    Sample sample = follow(options, table, session);
    sample.at = to_rfc3339(session.clock().now());
    sample.signature_table_version = signature_table_version;
    return sample;
  }
  std::vector<Gap> gaps;
  auto sources = open_sources(options, session, gaps);
  const std::int64_t now_ms = to_ms(session.clock().now());
  std::int64_t reference_ms = 0;
  for (const auto& source : sources)
    reference_ms = std::max(reference_ms, source.changed_s() * 1000);
  if (reference_ms == 0) reference_ms = now_ms;

  const auto choice = choose_window(options, last_time(sources, reference_ms), now_ms);
  Sample sample;
  sample.gaps = std::move(gaps);
  add_journals(options, choice.window, session, sources, sample.gaps);
  LogScan scan(table, choice.window, reference_ms);
  for (auto& source : sources) scan_source(source, scan, sample, session);
  LokiSource loki(options, table, session);
  const bool metric = !options.query.empty() && !backends::is_log_query(options.query);
  if (metric && !(options.file.empty() && options.journal.empty()))
    throw Error(ErrorCode::usage, "--query is a metric query: it has no lines to join to files",
                "ask for it alone, or give a selector: --query '{app=\"api\"}'");
  if (metric) loki.read_series(choice.window, sample);
  if (!metric && !options.query.empty()) read_loki(loki, choice.window, scan, sample);
  scan.finish(sample);
  loki.add_counts(sample);
  sample.at = to_rfc3339(session.clock().now());
  sample.anchor = choice.anchor;
  sample.signature_table_version = signature_table_version;
  return sample;
}

}  // namespace triage::probes::logs
