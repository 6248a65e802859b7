#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/net/http_options.h"
#include "lib/probes/promq.h"
#include "lib/report/report.h"

/// `triage logs`: known texts, levels, requests and error messages in log files, in a journal and
/// in Loki, in a window against the stretch of the same length before it.
///
/// The window ends at the time of the last line of all files, so that an old log can be read too;
/// --since moves the end to now, --to to a given time. Without files it ends now. Counts are lines,
/// and every line counts once per signature. A line without a time belongs to the time of the line
/// before it. A time without a zone is UTC.
namespace triage::probes::logs {

struct Options {
  std::vector<std::string> file;              ///< "-" is stdin
  std::chrono::milliseconds window{900'000};  ///< length of the window
  std::string since;                          ///< "15m" before now, or a time
  std::string from;                           ///< RFC 3339
  std::string to;                             ///< RFC 3339
  std::string signatures = "builtin";         ///< or a file that adds to them
  std::int64_t top = 10;                      ///< routes and messages that are listed
  std::vector<std::string> journal;           ///< systemd units
  std::string loki = "http://127.0.0.1:3100";
  std::string query;                  ///< LogQL; empty: Loki is not asked
  bool follow = false;                ///< lines as they come, until Ctrl-C
  std::int64_t most_lines = 200'000;  ///< read from Loki at most
  std::int64_t batch = 5'000;         ///< lines per request
  net::HttpOptions http;
};

/// Lines of each level.
struct Levels {
  std::int64_t error_count = 0;
  std::int64_t warn_count = 0;
  std::int64_t info_count = 0;
  std::int64_t debug_count = 0;
  std::int64_t none_count = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Levels* /*tag*/) {
  visit("error_count", self.error_count, "error and worse");
  visit("warn_count", self.warn_count, "warnings");
  visit("info_count", self.info_count, "info, log, notice");
  visit("debug_count", self.debug_count, "debug and finer");
  visit("none_count", self.none_count, "lines that name no level");
}

/// What the scan saw of one signature or message.
struct Hits {
  std::int64_t count = 0;           ///< in the window
  std::int64_t baseline_count = 0;  ///< before it
  std::int64_t total_count = 0;     ///< in the files
  std::int64_t error_count = 0;     ///< of level error, for templates
  std::optional<double> first_s;    ///< in the files, epoch
  std::optional<double> last_s;
  std::string example;  ///< redacted, at most 200 bytes
  std::vector<std::string> files;
  std::vector<std::string> trace_ids;  ///< of error messages in the window, at most 3
  std::string meaning;                 ///< of a signature
  std::string severity;                ///< of a signature, when it is frequent
  std::vector<std::string> texts;      ///< of a signature
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Hits* /*tag*/) {
  visit("count", self.count, "lines in the window");
  visit("baseline_count", self.baseline_count, "lines before it");
  visit("total_count", self.total_count, "lines in the files");
  visit("error_count", self.error_count, "of them at level error, for templates");
  visit("first_s", self.first_s, "first time in the files, epoch");
  visit("last_s", self.last_s, "last time in the files, epoch");
  visit("example", self.example, "a line, redacted and cut");
  visit("files", self.files, "where it was seen");
  visit("trace_ids", self.trace_ids, "traces of such lines, at most 3");
  visit("meaning", self.meaning, "what it says about the incident");
  visit("severity", self.severity, "when it is frequent");
  visit("texts", self.texts, "texts of the signature");
}

/// Requests of one route, or of all.
struct RequestFacts {
  std::int64_t count = 0;
  std::int64_t error_count = 0;  ///< status 500 to 599
  std::optional<double> p50_ms;  ///< within 2 %
  std::optional<double> p99_ms;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RequestFacts* /*tag*/) {
  visit("count", self.count, "requests");
  visit("error_count", self.error_count, "with a status of 500 to 599");
  visit("p50_ms", self.p50_ms, "median duration; null when no duration is logged");
  visit("p99_ms", self.p99_ms, "99th percentile");
}

struct RequestPair {
  RequestFacts now;
  RequestFacts baseline;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RequestPair* /*tag*/) {
  visit("now", self.now, "in the window");
  visit("baseline", self.baseline, "before it");
}

struct FileFacts {
  std::string name;
  std::int64_t bytes = 0;
  std::int64_t lines_count = 0;
  std::optional<double> first_s;
  std::optional<double> last_s;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FileFacts* /*tag*/) {
  visit("name", self.name, "as given");
  visit("bytes", self.bytes, "read");
  visit("lines_count", self.lines_count, "read");
  visit("first_s", self.first_s, "time of the first line that has one, epoch");
  visit("last_s", self.last_s, "latest time, epoch");
}

/// What Loki was asked, and whether its answer was whole.
struct ServerFacts {
  std::string address;
  std::string query;
  std::int64_t lines_count = 0;
  std::int64_t requests_count = 0;
  std::optional<std::int64_t> counted_count;     ///< by the server itself, of the same stretch
  std::optional<std::int64_t> page_limit_count;  ///< lines per request that the server allows
  std::optional<double> window_limit_s;          ///< of a request, likewise
  std::optional<double> clock_offset_s;
  std::string repeat;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ServerFacts* /*tag*/) {
  visit("address", self.address, "of Loki");
  visit("query", self.query, "LogQL");
  visit("lines_count", self.lines_count, "lines that were read, before the window too");
  visit("requests_count", self.requests_count, "requests it took");
  visit("counted_count", self.counted_count, "lines as Loki counts them; null when it did not");
  visit("page_limit_count", self.page_limit_count,
        "lines per request that Loki allows, where it refused more; null: not met");
  visit("window_limit_s", self.window_limit_s, "longest window of a request, likewise");
  visit("clock_offset_s", self.clock_offset_s, "Loki's clock minus ours, whole seconds");
  visit("repeat", self.repeat, "shell line that asks for the newest of them");
}

/// What was read, reduced to counts for the window [from_s, to_s] and the baseline before it.
struct Sample {
  std::string at;
  std::string anchor;            ///< "last line", "now", "given" or "none"
  std::optional<double> from_s;  ///< nothing when no line has a time and none was given
  std::optional<double> to_s;
  std::optional<double> first_s;  ///< earliest time in the files
  std::optional<double> last_s;
  std::int64_t lines_count = 0;
  std::int64_t window_lines_count = 0;
  std::int64_t baseline_lines_count = 0;
  std::int64_t known_count = 0;         ///< lines with a time of their own
  std::int64_t continuation_count = 0;  ///< indented lines
  std::int64_t bytes = 0;
  bool complete = true;  ///< false: a log that was opened was not read to its end
  Levels levels;
  Levels baseline_levels;
  std::map<std::string, Hits> signatures;
  std::map<std::string, Hits> messages;   ///< by normalised message, error level only
  std::map<std::string, Hits> stacks;     ///< by first own frame
  std::map<std::string, Hits> templates;  ///< by text with <*> for parameters
  std::map<std::string, RequestPair> routes;
  RequestPair requests;
  std::vector<FileFacts> files;
  std::optional<ServerFacts> server;
  std::vector<promq::Curve> curves;  ///< of a metric query
  bool metric = false;
  std::int64_t signature_table_version = 0;
  std::vector<Gap> gaps;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("anchor", self.anchor, "what the end of the window is");
  visit("from_s", self.from_s, "start of the window, epoch");
  visit("to_s", self.to_s, "end of the window, epoch");
  visit("first_s", self.first_s, "earliest time in the files");
  visit("last_s", self.last_s, "latest time in the files");
  visit("lines_count", self.lines_count, "lines in the files");
  visit("window_lines_count", self.window_lines_count, "lines in the window");
  visit("baseline_lines_count", self.baseline_lines_count, "lines before it");
  visit("known_count", self.known_count, "lines with a time");
  visit("continuation_count", self.continuation_count, "indented lines");
  visit("bytes", self.bytes, "read");
  visit("complete", self.complete, "every log that was opened was read to its end");
  visit("levels", self.levels, "in the window");
  visit("baseline_levels", self.baseline_levels, "before it");
  visit("signatures", self.signatures, "by id");
  visit("messages", self.messages, "by normalised message");
  visit("stacks", self.stacks, "of error lines, by their first frame in own code");
  visit("templates", self.templates, "of the window and before it, by text");
  visit("routes", self.routes, "by route");
  visit("requests", self.requests, "of all routes");
  visit("files", self.files, "as given");
  visit("server", self.server, "what Loki was asked");
  visit("curves", self.curves, "series of a metric query");
  visit("metric", self.metric, "the query was a metric query: no lines");
  visit("signature_table_version", self.signature_table_version, "of the built-in table");
  visit("gaps", self.gaps, "what was not read");
}

/// A signature or an error message, judged.
struct Occurrence {
  std::int64_t count = 0;
  std::optional<std::int64_t> baseline_count;
  std::int64_t total_count = 0;
  std::optional<double> rate_per_s;
  std::optional<double> per_minute;
  std::optional<double> baseline_rate_per_s;
  std::optional<std::string> first;
  std::optional<double> first_s;
  std::optional<std::string> last;
  std::optional<double> last_s;
  std::string meaning;
  std::string example;
  std::vector<std::string> files;
  std::vector<std::string> trace_ids;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Occurrence* /*tag*/) {
  visit("count", self.count, "lines in the window");
  visit("baseline_count", self.baseline_count, "lines in the stretch before; null without one");
  visit("total_count", self.total_count, "lines in the files");
  visit("rate_per_s", self.rate_per_s, "in the window");
  visit("per_minute", self.per_minute, "in the window, per 60 s");
  visit("baseline_rate_per_s", self.baseline_rate_per_s, "before the window");
  visit("first", self.first, "first time in the files, RFC 3339");
  visit("first_s", self.first_s, "the same, epoch");
  visit("last", self.last, "last time in the files, RFC 3339");
  visit("last_s", self.last_s, "the same, epoch");
  visit("meaning", self.meaning, "what a signature says; the text itself for a message");
  visit("example", self.example, "a line, redacted, at most 200 bytes");
  visit("files", self.files, "where it was seen");
  visit("trace_ids", self.trace_ids, "of error messages: traces to look at, at most 3");
}

struct Route {
  std::string route;
  std::int64_t count = 0;
  std::int64_t error_count = 0;
  double error_ratio = 0;
  std::optional<double> p99_ms;
  std::optional<std::int64_t> baseline_count;
  std::optional<double> baseline_error_ratio;
  std::optional<double> baseline_p99_ms;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Route* /*tag*/) {
  visit("route", self.route, "method and path, ids replaced");
  visit("count", self.count, "requests in the window");
  visit("error_count", self.error_count, "with a status of 500 to 599");
  visit("error_ratio", self.error_ratio, "share of them, 0 to 1");
  visit("p99_ms", self.p99_ms, "99th percentile of the duration");
  visit("baseline_count", self.baseline_count, "requests before");
  visit("baseline_error_ratio", self.baseline_error_ratio, "share of errors before");
  visit("baseline_p99_ms", self.baseline_p99_ms, "99th percentile before");
}

struct Requests {
  std::int64_t total_count = 0;
  std::int64_t error_count = 0;
  std::optional<double> error_ratio;
  std::optional<double> rate_per_s;
  std::optional<double> p50_ms;
  std::optional<double> p99_ms;
  std::optional<std::int64_t> baseline_total_count;
  std::optional<std::int64_t> baseline_error_count;
  std::optional<double> baseline_error_ratio;
  std::optional<double> baseline_rate_per_s;
  std::optional<double> baseline_p50_ms;
  std::optional<double> baseline_p99_ms;
  std::vector<Route> routes;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Requests* /*tag*/) {
  visit("total_count", self.total_count, "requests in the window");
  visit("error_count", self.error_count, "with a status of 500 to 599");
  visit("error_ratio", self.error_ratio, "share of them, 0 to 1");
  visit("rate_per_s", self.rate_per_s, "requests per second");
  visit("p50_ms", self.p50_ms, "median duration");
  visit("p99_ms", self.p99_ms, "99th percentile");
  visit("baseline_total_count", self.baseline_total_count, "before; null without a baseline");
  visit("baseline_error_count", self.baseline_error_count, "before");
  visit("baseline_error_ratio", self.baseline_error_ratio, "before");
  visit("baseline_rate_per_s", self.baseline_rate_per_s, "before");
  visit("baseline_p50_ms", self.baseline_p50_ms, "before");
  visit("baseline_p99_ms", self.baseline_p99_ms, "before");
  visit("routes", self.routes, "worst first: errors, then p99");
}

/// Templates of the window against the stretch before it. The figures of a template count lines of
/// both; `meaning` is its text.
struct TemplateChanges {
  std::int64_t distinct_count = 0;
  std::vector<Occurrence> appeared;
  std::vector<Occurrence> surging;
  std::vector<Occurrence> vanished;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TemplateChanges* /*tag*/) {
  visit("distinct_count", self.distinct_count, "templates in the window and before it");
  visit("new", self.appeared, "in the window only, most frequent first");
  visit("surging", self.surging, "three times as frequent or more, beyond chance");
  visit("vanished", self.vanished, "before the window only, most frequent first");
}

struct Result {
  Envelope envelope;
  std::int64_t lines_count = 0;
  std::int64_t window_lines_count = 0;
  std::int64_t bytes = 0;
  std::optional<double> parsed_ratio;
  std::string anchor;
  std::optional<std::string> from;
  std::optional<double> from_s;
  std::optional<std::string> to;
  std::optional<double> to_s;
  std::optional<double> window_s;
  std::optional<double> baseline_s;
  Levels levels;
  std::optional<Levels> baseline_levels;
  std::map<std::string, Occurrence> signatures;
  std::optional<Requests> requests;
  std::vector<Occurrence> errors;
  std::vector<Occurrence> stacks;
  std::optional<TemplateChanges> templates;
  std::vector<FileFacts> files;
  std::optional<ServerFacts> server;
  std::vector<promq::Row> series;
  std::optional<double> step_s;  ///< of the series
  std::int64_t signature_table_version = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("lines_count", self.lines_count, "lines in the files");
  visit("window_lines_count", self.window_lines_count, "lines in the window");
  visit("bytes", self.bytes, "read");
  visit("parsed_ratio", self.parsed_ratio, "share of lines with a time, indented ones left out");
  visit("anchor", self.anchor, "what the end of the window is: last line, now, given or none");
  visit("from", self.from, "start of the window, RFC 3339");
  visit("from_s", self.from_s, "the same, epoch");
  visit("to", self.to, "end of the window, RFC 3339");
  visit("to_s", self.to_s, "the same, epoch");
  visit("window_s", self.window_s, "seconds of the window that the logs cover");
  visit("baseline_s", self.baseline_s, "seconds before the window that the logs cover");
  visit("levels", self.levels, "lines of each level in the window");
  visit("baseline_levels", self.baseline_levels, "the same before; null without a baseline");
  visit("signatures", self.signatures, "known texts that occur in the window, by id");
  visit("requests", self.requests, "from JSON request lines; null when there are none");
  visit("errors", self.errors, "messages of error lines in the window, most frequent first");
  visit("stacks", self.stacks, "first frames in own code below errors, most frequent first");
  visit("templates", self.templates, "what lines say now and before; null without a baseline");
  visit("files", self.files, "what was read");
  visit("server", self.server, "what Loki was asked; null when it was not");
  visit("series", self.series, "of a metric query, the largest change first");
  visit("step_s", self.step_s, "distance of the points of series");
  visit("signature_table_version", self.signature_table_version, "of the built-in table");
}

Help help();
void describe(Options& options, OptionVisitor& visitor);
/// Throws Error when no log can be read at all; one of several is a gap.
Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

}  // namespace triage::probes::logs
