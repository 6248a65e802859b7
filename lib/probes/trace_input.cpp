#include "lib/probes/trace_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/trace_server.h"
#include "lib/store/input_file.h"
#include "lib/traces/row_text.h"
#include "lib/traces/span_reader.h"

namespace triage::probes {
namespace {

constexpr std::size_t progress_step = std::size_t{1} << 28;

struct Read {
  traces::SpanTable spans;
  std::vector<TraceSource> sources;
};

/// The bytes of a file, with a word about the progress every 256 MiB and an end when the time is
/// up.
ReadBytes watched(store::InputFile& file, const std::string& path, Session& session) {
  return [&file, &session, path, total = std::size_t{0}, next = progress_step](
             char* to, std::size_t size) mutable -> std::size_t {
    if (session.cancelled()) return 0;
    const std::size_t got = file.read(to, size);
    total += got;
    if (total >= next) {
      session.progress(fmt::format("reading {}: {} MiB", path, total >> 20));
      next += progress_step;
    }
    return got;
  };
}

TraceSource read_file(const std::string& path, traces::SpanTableBuilder& builder,
                      Session& session) {
  session.progress("reading " + path);
  store::InputFile file(path);
  const std::size_t before = builder.size();
  JsonCursor cursor(watched(file, path, session));
  traces::SpanReader reader(cursor, builder);
  reader.read();
  TraceSource source;
  source.name = path;
  source.read_bytes = static_cast<std::int64_t>(cursor.offset());
  source.spans_count = static_cast<std::int64_t>(builder.size() - before);
  source.problem = !file.problem().empty() ? file.problem()
                   : session.cancelled()   ? "the time was up"
                                           : cursor.problem();
  session.touch({"trace file", path, 1, 0});
  if (source.spans_count == 0 && !reader.recognised() && (cursor.offset() > 0 || !cursor.whole()))
    throw Error(ErrorCode::malformed,
                source.problem.empty()
                    ? path + ": no traces in it"
                    : fmt::format("{}: no traces in it: {}", path, source.problem),
                "give Jaeger query JSON, OTLP JSON or Zipkin v2 JSON");
  if (source.problem.empty() && !reader.errors().empty() && source.spans_count == 0)
    throw Error(ErrorCode::malformed, fmt::format("{}: it holds an error, not traces: {}", path,
                                                  reader.errors().front()));
  return source;
}

Read read_sources(const TraceOptions& options, bool baseline, Session& session,
                  std::vector<Gap>& gaps) {
  Read all;
  traces::SpanTableBuilder builder;
  if (!baseline) builder.keep_only(options.trace_ids);
  for (const auto& file : baseline ? options.baseline : options.files) {
    all.sources.push_back(read_file(file, builder, session));
    all.sources.back().baseline = baseline;
  }
  if (!options.jaeger.empty() && (!baseline || options.baseline_before.count() > 0))
    all.sources.push_back(read_server(options, baseline, session, builder, gaps));
  all.spans = builder.take();
  return all;
}

/// Traces whose root is the wanted operation of the wanted service; a service alone may stand
/// anywhere in the trace.
traces::SpanTable select(traces::SpanTable table, const TraceOptions& options) {
  if (options.service.empty() && options.operation.empty()) return table;
  std::vector<std::uint8_t> wanted(table.trace_ids.size(), 0);
  for (traces::SpanIndex span = 0; span < table.size(); ++span) {
    const bool service =
        options.service.empty() || table.texts[table.service(span)] == options.service;
    const bool operation =
        options.operation.empty() || table.texts[table.operation[span]] == options.operation;
    if (service && operation) wanted[table.trace[span]] = 1;
  }
  std::vector<std::uint8_t> keep;
  keep.reserve(table.size());
  for (const traces::TraceIndex trace : table.trace) keep.push_back(wanted[trace]);
  table.for_each_column([&](auto& column) {
    std::size_t to = 0;
    for (std::size_t i = 0; i < keep.size(); ++i)
      if (keep[i] != 0) column[to++] = column[i];
    column.resize(to);
  });
  return table;
}

void add_skews(traces::Forest& forest, std::vector<traces::SkewRow>& rows) {
  for (const auto& one : traces::correct_clock_skew(forest))
    rows.push_back({traces::text_of(forest.spans(), one.from),
                    traces::text_of(forest.spans(), one.to), traces::to_ms(one.offset_ns),
                    one.calls});
}

}  // namespace

void describe_traces(TraceOptions& options, OptionVisitor& visitor) {
  visitor.visit({"files",
                 "Jaeger, OTLP or Zipkin JSON, also .gz and .zst; - is standard input",
                 "FILE",
                 {},
                 true,
                 false,
                 0},
                options.files);
  visitor.visit({"baseline",
                 "files with traces of a good time, to compare with",
                 "FILE",
                 {},
                 false,
                 false,
                 0},
                options.baseline);
  visitor.visit(
      {"trace-id", "only these traces, as a log line names them", "ID", {}, false, false, 0},
      options.trace_ids);
  visitor.visit({"service", "only traces in which it occurs", "NAME", {}, false, false, 0},
                options.service);
  visitor.visit({"operation", "only traces in which it occurs", "NAME", {}, false, false, 0},
                options.operation);
  visitor.visit({"jaeger",
                 "Jaeger's query service, Tempo's bridge, or a Grafana proxy URL",
                 "URL",
                 {},
                 false,
                 true,
                 0},
                options.jaeger);
  visitor.visit({"since", "window that ends now, or at --to", "DURATION", {}, false, false, 0},
                options.since);
  visitor.visit({"from", "start of the window, RFC 3339", "TIME", {}, false, false, 0},
                options.from);
  visitor.visit({"to", "end of the window, RFC 3339", "TIME", {}, false, false, 0}, options.to);
  visitor.visit({"min-duration", "only traces that took so long", "DURATION", {}, false, false, 0},
                options.min_duration);
  visitor.visit(
      {"max-duration", "only traces that took no longer", "DURATION", {}, false, false, 0},
      options.max_duration);
  visitor.visit({"tag", "only traces with it: error=true", "KEY=VALUE", {}, false, false, 0},
                options.tags);
  visitor.visit({"limit", "traces to ask for", "N", {}, false, false, 0}, options.limit);
  visitor.visit({"slowest",
                 "half of them the slowest of the window (Jaeger 2.19 and later)",
                 "",
                 {},
                 false,
                 false,
                 0},
                options.slowest);
  visitor.visit({"baseline-before",
                 "compare with the window so long before: 24h",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.baseline_before);
  net::describe(options.http, visitor);
}

TraceInput read_traces(const TraceOptions& options, const std::string& command, Session& session) {
  if (options.files.empty() && options.jaeger.empty())
    throw Error(ErrorCode::usage, command + ": no traces given",
                fmt::format("name files or a server: triage {} traces.json, or --jaeger URL "
                            "--service NAME",
                            command));
  std::vector<Gap> gaps;
  Read now = read_sources(options, false, session, gaps);
  Read then = read_sources(options, true, session, gaps);
  session.progress("linking spans");
  TraceInput input{traces::Forest(select(std::move(now.spans), options)),
                   traces::Forest(select(std::move(then.spans), options)),
                   {},
                   0,
                   std::move(now.sources),
                   std::move(gaps)};
  input.sources.insert(input.sources.end(), then.sources.begin(), then.sources.end());
  add_skews(input.now, input.skews);
  std::vector<traces::SkewRow> ignored;
  add_skews(input.then, ignored);
  input.impossible_order_count = traces::count_impossible_order(input.now);
  for (const auto& source : input.sources)
    if (!source.problem.empty())
      input.gaps.push_back(
          {"sources", "malformed",
           fmt::format("{} was not read to its end: {}; {} spans before that count", source.name,
                       source.problem, source.spans_count),
           "fetch it again"});
  if (input.now.spans().texts.overflowed())
    input.gaps.push_back({"operations", "budget",
                          "more than 1,048,576 different names and statements; the others are one, "
                          "\"(others)\"",
                          "span names should not carry ids"});
  return input;
}

std::string target_of(const TraceOptions& options) {
  std::vector<std::string> parts = options.files;
  if (!options.jaeger.empty()) {
    parts.push_back(net::to_string(net::parse_url(options.jaeger, "--jaeger")));
    if (!options.service.empty()) parts.push_back(options.service);
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string repeat_command(const std::string& command, const TraceOptions& options) {
  std::string line = "triage " + command;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) line += fmt::format(" --{} '{}'", option, value);
  };
  for (const auto& file : options.files) line += fmt::format(" '{}'", file);
  for (const auto& file : options.baseline) add("baseline", file);
  for (const auto& id : options.trace_ids) add("trace-id", id);
  add("service", options.service);
  add("operation", options.operation);
  if (options.jaeger.empty()) return line;
  add("jaeger", net::to_string(net::parse_url(options.jaeger, "--jaeger")));
  add("from", options.from);
  add("to", options.to);
  const auto add_time = [&](const char* option, std::chrono::milliseconds value) {
    if (value.count() > 0) add(option, to_duration_text(value));
  };
  if (options.from.empty()) add_time("since", options.since);
  add_time("min-duration", options.min_duration);
  add_time("max-duration", options.max_duration);
  add_time("baseline-before", options.baseline_before);
  for (const auto& tag : options.tags) add("tag", tag);
  line += fmt::format(" --limit {}", options.limit);
  return options.slowest ? line + " --slowest" : line;
}

}  // namespace triage::probes
