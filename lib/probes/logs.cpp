#include "lib/probes/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/probes/logs_judge.h"

namespace triage::probes::logs {
namespace {

/// Below these a share of errors or a slow percentile is noise of a few requests.
constexpr std::int64_t enough_requests = 20;
constexpr double error_ratio_warn = 0.01;
constexpr double error_ratio_crit = 0.05;
constexpr double slower_factor = 3;
constexpr double slow_ms = 500;
/// A single line may be an accident, ten are not.
constexpr std::int64_t frequent_count = 10;

std::vector<Route> routes_of(const Options& options, const Sample& sample, bool has_baseline) {
  std::vector<Route> routes;
  for (const auto& [name, pair] : sample.routes) {
    if (pair.now.count == 0) continue;
    Route route{name,
                pair.now.count,
                pair.now.error_count,
                share(pair.now.error_count, pair.now.count).value_or(0),
                pair.now.p99_ms,
                {},
                {},
                {}};
    if (has_baseline) {
      route.baseline_count = pair.baseline.count;
      route.baseline_error_ratio = share(pair.baseline.error_count, pair.baseline.count);
      route.baseline_p99_ms = pair.baseline.p99_ms;
    }
    routes.push_back(std::move(route));
  }
  std::stable_sort(routes.begin(), routes.end(), [](const Route& a, const Route& b) {
    if (a.error_count != b.error_count) return a.error_count > b.error_count;
    return a.p99_ms.value_or(0) > b.p99_ms.value_or(0);
  });
  if (routes.size() > static_cast<std::size_t>(options.top))
    routes.resize(static_cast<std::size_t>(options.top));
  return routes;
}

std::optional<Requests> requests_of(const Options& options, const Sample& sample,
                                    const Spans& spans) {
  const RequestPair& all = sample.requests;
  if (all.now.count + all.baseline.count == 0) return std::nullopt;
  Requests requests;
  requests.total_count = all.now.count;
  requests.error_count = all.now.error_count;
  requests.error_ratio = share(all.now.error_count, all.now.count);
  requests.rate_per_s = rate(all.now.count, spans.window_s);
  requests.p50_ms = all.now.p50_ms;
  requests.p99_ms = all.now.p99_ms;
  if (spans.baseline_s) {
    requests.baseline_total_count = all.baseline.count;
    requests.baseline_error_count = all.baseline.error_count;
    requests.baseline_error_ratio = share(all.baseline.error_count, all.baseline.count);
    requests.baseline_rate_per_s = rate(all.baseline.count, spans.baseline_s);
    requests.baseline_p50_ms = all.baseline.p50_ms;
    requests.baseline_p99_ms = all.baseline.p99_ms;
  }
  requests.routes = routes_of(options, sample, spans.baseline_s.has_value());
  return requests;
}

/// Those of the window, most frequent first; their key is what they mean.
std::vector<Occurrence> most_frequent(const Options& options,
                                      const std::map<std::string, Hits>& all, const Spans& spans) {
  std::vector<Occurrence> errors;
  for (const auto& [message, hits] : all) {
    if (hits.count == 0) continue;
    errors.push_back(occurrence_of(hits, spans));
    errors.back().meaning = message;
  }
  std::stable_sort(errors.begin(), errors.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.count > b.count; });
  if (errors.size() > static_cast<std::size_t>(options.top))
    errors.resize(static_cast<std::size_t>(options.top));
  return errors;
}

std::string compared(const Occurrence& hit) {
  if (!hit.baseline_count) return "no lines before to compare with";
  return fmt::format("{} before", format_count(*hit.baseline_count));
}

void judge_signatures(const Sample& sample, Result& result) {
  for (const auto& [id, hit] : result.signatures) {
    Severity severity = severity_of(sample.signatures.at(id).severity);
    if (severity == Severity::crit && hit.count < frequent_count) severity = Severity::warn;
    result.envelope.find(
        id, severity,
        fmt::format("{} x {} ({}; {}{})", id, format_count(hit.count), hit.meaning, compared(hit),
                    hit.first ? ", first " + *hit.first : std::string()));
  }
}

void judge_requests(Result& result) {
  if (!result.requests) return;
  const Requests& requests = *result.requests;
  const double errors = requests.error_ratio.value_or(0);
  if (requests.total_count >= enough_requests && errors >= error_ratio_warn)
    result.envelope.find(
        "requests_failing", errors >= error_ratio_crit ? Severity::crit : Severity::warn,
        fmt::format("{} of {} requests failed with 5xx ({}; before: {})",
                    format_count(requests.error_count), format_count(requests.total_count),
                    format_ratio(errors), or_unknown(requests.baseline_error_ratio, format_ratio)));
  if (!requests.p99_ms || !requests.baseline_p99_ms) return;
  if (requests.total_count >= enough_requests && *requests.p99_ms >= slow_ms &&
      *requests.p99_ms >= slower_factor * *requests.baseline_p99_ms)
    result.envelope.find("requests_slower", Severity::warn,
                         fmt::format("99 % of the requests took up to {}, before {}",
                                     format_duration(*requests.p99_ms / 1000),
                                     format_duration(*requests.baseline_p99_ms / 1000)));
}

/// Values of a metric query; whether they are good is not known here.
void judge_series(const Sample& sample, Result& result) {
  for (const auto& curve : sample.curves) {
    result.step_s = curve.step_s;
    result.series.push_back(promq::row_of(curve));
  }
  std::stable_sort(result.series.begin(), result.series.end(), [](const auto& a, const auto& b) {
    return a.anomaly_score.value_or(0) > b.anomaly_score.value_or(0);
  });
  auto& envelope = result.envelope;
  if (result.series.empty())
    envelope.find("no_data", Severity::unknown,
                  "the query has no data in this window: unknown, not healthy");
  else
    envelope.find("series", Severity::info,
                  fmt::format("{} series; whether their level is good is not judged",
                              format_count(static_cast<std::int64_t>(result.series.size()))));
}

void note_gaps(const Sample& sample, Result& result) {
  auto& gaps = result.envelope.gaps;
  if (sample.metric) return;
  if (!result.from)
    gaps.push_back({"from", "malformed",
                    "no line has a time: the counts are of the whole files, without rates",
                    "let the logger write a time on each line"});
  else if (!result.baseline_s)
    gaps.push_back({"baseline_s", "not_found",
                    "the logs start inside the window: there is nothing to compare with",
                    "name the older file as well, or choose a shorter --window"});
  if (!result.requests)
    gaps.push_back({"requests", "not_found", "no JSON request line with a status in the window",
                    "name the access log of the service"});
  if (sample.window_lines_count > 0) return;
  gaps.push_back({"window_lines_count", "not_found",
                  sample.lines_count == 0 ? "the logs are empty" : "no line is in the window",
                  "check --from, --to and --since, or name another log"});
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += "'\\'";
    result += c;
  }
  result += '\'';
  return result;
}

void note_provenance(const Sample& sample, Result& result) {
  std::string files;
  for (const auto& file : sample.files) files += " " + quoted(file.name);
  auto& list = result.envelope.provenance;
  if (sample.server)
    list.push_back({sample.metric ? std::vector<std::string>{"/series", "/step_s"}
                                  : std::vector<std::string>{"/server"},
                    "Loki", sample.at, sample.server->repeat});
  if (sample.metric) return;
  if (!sample.files.empty())
    list.push_back(
        {{"/lines_count", "/bytes", "/files"}, "log files", sample.at, "wc -lc --" + files});
  const std::string server = sample.server
                                 ? fmt::format(" --loki {} --query {}", sample.server->address,
                                               quoted(sample.server->query))
                                 : std::string();
  const std::string window = result.from && result.to
                                 ? fmt::format(" --from {} --to {}", *result.from, *result.to)
                                 : std::string();
  list.push_back({{"/window_lines_count", "/parsed_ratio", "/from_s", "/to_s", "/window_s",
                   "/baseline_s", "/levels", "/baseline_levels", "/requests", "/errors", "/stacks",
                   "/templates", "/signature_table_version"},
                  server.empty()         ? "log files"
                  : sample.files.empty() ? "Loki"
                                         : "log files and Loki",
                  sample.at,
                  "triage logs" + files + server + window + " -o json"});
  if (sample.files.empty()) {
    list.back().figures.insert(list.back().figures.end(), {"/lines_count", "/bytes"});
    list.back().figures.emplace_back("/signatures");
    return;
  }
  for (const auto& [id, hit] : result.signatures) {
    std::string command = "grep -F -n";
    for (const auto& text : sample.signatures.at(id).texts)
      command.append(" -e ").append(quoted(text));
    command.append(" --").append(files);
    list.push_back({{"/signatures/" + id}, "log files", sample.at, command});
  }
}

std::string target_of(const Sample& sample) {
  if (sample.files.empty() && sample.server)
    return fmt::format("{} of {}", sample.server->query, sample.server->address);
  if (sample.files.size() == 1) return sample.files[0].name == "-" ? "stdin" : sample.files[0].name;
  return fmt::format("{} and {} more", sample.files.empty() ? "" : sample.files[0].name,
                     sample.files.empty() ? 0 : sample.files.size() - 1);
}

}  // namespace

Help help() {
  return {
      "Counts what log lines say: known texts (pool and connection timeouts, full database "
      "slots, locks, refused and reset connections, exhausted descriptors), levels, failed and "
      "slow requests, and error messages. What all lines say is reduced to templates, and those "
      "that are new, surge or have vanished are listed. JSON lines (pino, winston, bunyan), "
      "logfmt, "
      "PostgreSQL's log "
      "and plain text are read, from files (gzip and zstd too) or stdin.\n\n"
      "The window ends at the last line of the logs and is compared with the stretch of the "
      "same length before it. --since lets it end now, --to at a given time. Times without a "
      "zone are UTC. --query asks Loki, whose lines are all read, each once; above --most-lines "
      "Loki counts levels and known texts itself. LOKI_ADDR and the other variables of logcli are "
      "heeded. --follow prints the lines of files (rotated or truncated meanwhile), stdin, a "
      "journal or "
      "Loki as they come, marks known texts, and ends with Ctrl-C or --timeout. A file of "
      "--signatures adds lines 'id: text' to the built-in table.",
      {{"triage logs /var/log/api/app.log", "the last 15 minutes of a log"},
       {"kubectl logs deploy/api | triage logs -", "from stdin"},
       {"triage logs --journal api.service --since 15m", "from the journal"},
       {"triage logs /var/log/api/app.log*", "rotated files too, packed or not"},
       {"triage logs app.log --from 2026-11-24T01:45:00Z --to 2026-11-24T02:05:00Z",
        "a past incident"},
       {"triage logs --loki http://loki:3100 --query '{app=\"api\"}' --since 15m", "from Loki"},
       {"triage logs --follow app.log", "lines as they come, known texts marked"},
       {"triage logs --query 'sum by (level) (rate({app=\"api\"}[1m]))' --since 1h",
        "a metric query with the onset of each change"},
       {"triage logs app.log --signatures ours.txt -o json", "with own texts, for scripts"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({.name = "file",
                 .help = "logs to read; '-' is stdin, 'journal:UNIT' a unit, '{app=\"x\"}' Loki",
                 .placeholder = "FILE",
                 .choices = {},
                 .positional = true,
                 .shared = true},
                options.file);
  const auto free_text = [](const char* name, const char* text, const char* placeholder) {
    return OptionInfo{name, text, placeholder, {}, false, false};
  };
  visitor.visit(
      free_text("window", "length of the window and of the stretch before it", "DURATION"),
      options.window);
  visitor.visit(free_text("since", "window from this long before now, or from this time, until now",
                          "DURATION|TIME"),
                options.since);
  visitor.visit(free_text("from", "start of the window, RFC 3339", "TIME"), options.from);
  visitor.visit(free_text("to", "end of the window, RFC 3339", "TIME"), options.to);
  visitor.visit(
      free_text("signatures", "'builtin', or a file with lines 'id: text' to add", "FILE"),
      options.signatures);
  visitor.visit(free_text("top", "how many routes and messages are listed", "N"), options.top);
  visitor.visit(free_text("journal", "a systemd unit, whose journal is read", "UNIT"),
                options.journal);
  OptionInfo loki = free_text("loki", "address of Loki, or of a Grafana data source", "URL");
  loki.shared = true;
  visitor.visit(loki, options.loki);
  visitor.visit(free_text("query", "LogQL: lines of Loki, or a metric query", "LOGQL"),
                options.query);
  visitor.visit(
      {"follow", "print lines as they come, and a summary at Ctrl-C", "", {}, false, false, 0},
      options.follow);
  visitor.visit(free_text("most-lines", "lines read from Loki at most; above, Loki counts", "N"),
                options.most_lines);
  visitor.visit(free_text("batch", "lines asked from Loki at a time", "N"), options.batch);
  net::describe(options.http, visitor);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  const Spans spans = spans_of(sample);
  result.envelope.at = sample.at;
  result.envelope.target = target_of(sample);
  result.envelope.gaps = sample.gaps;
  result.lines_count = sample.lines_count;
  result.window_lines_count = sample.window_lines_count;
  result.bytes = sample.bytes;
  result.parsed_ratio = share(sample.known_count, sample.lines_count - sample.continuation_count);
  result.anchor = sample.anchor;
  result.from = time_text(sample.from_s);
  result.from_s = sample.from_s;
  result.to = time_text(sample.to_s);
  result.to_s = sample.to_s;
  result.window_s = spans.window_s;
  result.baseline_s = spans.baseline_s;
  result.levels = sample.levels;
  if (spans.baseline_s) result.baseline_levels = sample.baseline_levels;
  for (const auto& [id, hits] : sample.signatures)
    if (hits.count > 0) result.signatures[id] = occurrence_of(hits, spans);
  result.requests = requests_of(options, sample, spans);
  result.errors = most_frequent(options, sample.messages, spans);
  result.stacks = most_frequent(options, sample.stacks, spans);
  result.templates = template_changes(options, sample, spans);
  result.files = sample.files;
  result.signature_table_version = sample.signature_table_version;
  result.server = sample.server;
  if (sample.metric) judge_series(sample, result);
  if (sample.server) promq::judge_clock(sample.server->clock_offset_s, "Loki", result.envelope);
  judge_signatures(sample, result);
  judge_requests(result);
  judge_templates(sample, result);
  note_gaps(sample, result);
  // Silence is no health: without one line in the window there is nothing to judge.
  // Without a time, what was found may be old, and what was not found may not have been there yet.
  // What a log says behind the place where its reading ended is not known either.
  if (sample.metric) {
    note_provenance(sample, result);
    return result;
  }
  if (sample.window_lines_count == 0) {
    result.envelope.severity = Severity::unknown;
  } else if (!result.from || !sample.complete) {
    result.envelope.severity = worse(result.envelope.severity, Severity::unknown);
  }
  note_provenance(sample, result);
  return result;
}

}  // namespace triage::probes::logs
