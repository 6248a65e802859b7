#include "lib/probes/heap_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/os/shell_command.h"
#include "lib/os/target.h"
#include "lib/probes/heap_live.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_diff.h"
#include "lib/v8/inspector.h"

namespace triage::probes::heap_gate {
namespace {

constexpr const char* live_example =
    "triage heap gate --target 4127 --load 'wrk -d 20s http://127.0.0.1:3000' --requests 1000 "
    "--allow-inspector";

/// Growth that any program shows between two snapshots: feedback vectors, code, caches of V8.
constexpr double noise_bytes = 64.0 * 1024;

double growth_of(const Interval& interval) {
  return static_cast<double>(interval.growth_bytes);
}

/// The last interval decides: the first ones may warm caches up.
void judge(Result& result, std::optional<double> agreement) {
  Envelope& envelope = result.envelope;
  const Interval& last = result.intervals.back();
  const double allowed = result.limit_bytes * static_cast<double>(result.requests_count);
  const std::string figure = fmt::format(
      "{} per request (limit {}), {} over {} requests",
      (last.growth_bytes < 0 ? "-" : "") + format_bytes(std::abs(last.per_request_bytes)),
      format_bytes(result.limit_bytes), format_bytes(growth_of(last)),
      format_count(result.requests_count));
  result.verdict = "unknown";
  if (agreement && *agreement < v8::same_session) {
    envelope.find("other_process", Severity::unknown,
                  "the snapshots are of different processes or sessions: nothing was compared");
  } else if (growth_of(last) <= noise_bytes && allowed < noise_bytes) {
    envelope.find("too_few_requests", Severity::unknown,
                  fmt::format("{}: below what any program shows ({}); {} requests would tell",
                              figure, format_bytes(noise_bytes),
                              format_count(std::llround(std::ceil(
                                  2 * noise_bytes / std::max(1.0, result.limit_bytes))))));
  } else if (growth_of(last) > std::max(allowed, noise_bytes)) {
    result.verdict = "fail";
    envelope.find(
        "grows", Severity::crit,
        "the heap grows by " + figure +
            (result.suspect.empty() ? std::string() : "; most under " + result.suspect) +
            (result.intervals.size() > 1 ? std::string()
                                         : "; one more round would tell warming up from growth"));
  } else {
    result.verdict = "pass";
    envelope.find("within_limit", Severity::ok, "within the limit: " + figure);
  }
}

void run_load(const Options& options, const std::string& name, Session& session) {
  session.progress(name + ": " + options.load);
  const int status =
      os::run_shell_command(options.load, [&session] { return session.cancelled(); });
  if (status == -1)
    throw Error(ErrorCode::budget, "the load was stopped before its end: nothing can be said", "");
  if (status != 0)
    throw Error(ErrorCode::unreachable,
                fmt::format("the load left with status {}: nothing can be said", status),
                "run it by hand: " + options.load);
}

/// A run that warms caches up, then those that count; a reading behind each.
Sample collect_live(const Options& options, Session& session) {
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  v8::Inspector inspector(procfs, process, {.allowed = options.allow_inspector}, session);
  check_gc_pause(inspector, options.pause_budget);
  const std::int64_t rounds = std::clamp<std::int64_t>(options.rounds, 1, 100);
  for (std::int64_t i = 0; i <= rounds; ++i) {
    const std::string name = i == 0 ? "warm-up" : fmt::format("load {}", i);
    run_load(options, name, session);
    collect_garbage(inspector, session);
    const HeapUsage usage = read_heap_usage(inspector);
    sample.readings.push_back({name, usage.heap_used_bytes, usage.external_bytes});
  }
  return sample;
}

void check_options(const Options& options) {
  const bool live = !options.target.empty() || !options.load.empty();
  if (live && (options.target.empty() || options.load.empty() || options.requests <= 0 ||
               !options.files.empty()))
    throw Error(ErrorCode::usage,
                "heap gate: a running process needs --target, --load and --requests, and no files",
                live_example);
  if (!live && (options.files.size() < 2 || options.requests <= 0))
    throw Error(ErrorCode::usage,
                "heap gate: needs two snapshots or more, and --requests between them",
                "triage heap gate a.heapsnapshot b.heapsnapshot c.heapsnapshot --requests 1000");
  (void)parse_size(options.max_growth, "--max-growth");
}

void add_live_intervals(const Options& options, const Sample& sample, Result& result) {
  for (std::size_t i = 1; i < sample.readings.size(); ++i) {
    const Reading& before = sample.readings[i - 1];
    const Reading& after = sample.readings[i];
    const std::int64_t growth = after.heap_used_bytes + after.external_bytes -
                                before.heap_used_bytes - before.external_bytes;
    result.intervals.push_back(
        {before.name, after.name, growth,
         static_cast<double>(growth) / static_cast<double>(result.requests_count)});
  }
  result.envelope.target = sample.target;
  result.envelope.provenance.push_back(
      {{"/intervals", "/limit_bytes", "/requests_count"},
       "process.memoryUsage() of " + sample.target,
       sample.at,
       fmt::format("triage heap gate --target {} --load {} --requests {} --max-growth {} "
                   "--allow-inspector",
                   quoted(options.target), quoted(options.load), result.requests_count,
                   quoted(options.max_growth))});
}

}  // namespace

Help help() {
  return {
      "With --target and --load, runs the command several times against a running process and "
      "compares its memory in use (V8 heap and Buffers) behind a garbage collection after each "
      "run; the first run warms up and does not count. Or "
      "compares heap snapshots that were taken in one session with the same number of requests "
      "between them, and fails when the heap grows by more than a limit per request. The last "
      "interval decides, so give three snapshots: the first interval may warm caches up. Exit 0: "
      "within the limit, 1: above it, 3: it cannot be told (other process, too few requests).",
      {{"triage heap gate a.heapsnapshot b.heapsnapshot c.heapsnapshot --requests 1000",
        "at most 1 KiB per request"},
       {"triage heap gate a.heapsnapshot b.heapsnapshot --requests 5000 --max-growth 200B",
        "a limit of one's own"},
       {"triage heap gate --target port:3000 --load './load.sh' --requests 1000 "
        "--allow-inspector",
        "a running process; the load makes 1000 requests"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"files", "heap snapshots, oldest first", "FILE", {}, true, false, 0},
                options.files);
  visitor.visit({"requests", "requests between two snapshots", "N", {}, false, false, 0},
                options.requests);
  visitor.visit({"max-growth", "allowed growth per request", "SIZE", {}, false, false, 0},
                options.max_growth);
  visitor.visit({"target", "running process instead of files", "TARGET", {}, false, false, 0},
                options.target);
  visitor.visit(
      {"load", "command that makes --requests requests to it", "CMD", {}, false, false, 0},
      options.load);
  visitor.visit({"rounds", "runs of the load that count", "N", {}, false, false, 0},
                options.rounds);
  visitor.visit(
      {"allow-inspector", std::string(v8::inspector_consent_help), "", {}, false, false, 0},
      options.allow_inspector);
  visitor.visit({"pause-budget",
                 "longest pause of a garbage collection that is not refused",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.pause_budget);
}

Sample collect(const Options& options, Session& session) {
  check_options(options);
  if (!options.load.empty()) return collect_live(options, session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.diff = heap_diff::collect({options.files, 5}, session);
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.limit_bytes = static_cast<double>(parse_size(options.max_growth, "--max-growth"));
  result.requests_count = std::max<std::int64_t>(1, options.requests);
  if (!sample.readings.empty()) {
    add_live_intervals(options, sample, result);
    if (!result.intervals.empty()) judge(result, std::nullopt);
    return result;
  }
  std::vector<std::string> files;
  const auto& rows = sample.diff.files;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    files.push_back(quoted(rows[i].file));
    if (i == 0) continue;
    const std::int64_t growth = rows[i].total_bytes - rows[i - 1].total_bytes;
    result.intervals.push_back(
        {rows[i - 1].file, rows[i].file, growth,
         static_cast<double>(growth) / static_cast<double>(result.requests_count)});
  }
  result.envelope.target = fmt::format("{}", fmt::join(files, " "));
  if (!sample.diff.containers.empty() && sample.diff.containers.front().new_ratio >= 0.5) {
    const auto& first = sample.diff.containers.front();
    result.suspect = fmt::format("{}{}{} @{}", first.variable, first.variable.empty() ? "" : ", ",
                                 first.class_name, first.id);
    if (first.guess) result.kind = first.guess->kind;
  }
  if (!result.intervals.empty()) judge(result, sample.diff.id_agreement_ratio);
  result.envelope.provenance.push_back(
      {{"/intervals", "/limit_bytes", "/requests_count"},
       result.envelope.target,
       sample.at,
       fmt::format("triage heap gate {} --requests {} --max-growth {}", result.envelope.target,
                   result.requests_count, quoted(options.max_growth))});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"from", false, true},
               {"to", false, true},
               {"growth", true, false},
               {"per request", true, false}},
              {}};
  for (const auto& row : result.intervals) {
    const std::string sign = row.growth_bytes < 0 ? "-" : "+";
    // the title has the whole paths
    table.rows.push_back({std::filesystem::path(row.from).filename().string(),
                          std::filesystem::path(row.to).filename().string(),
                          sign + format_bytes(std::abs(growth_of(row))),
                          sign + format_bytes(std::abs(row.per_request_bytes))});
  }
  std::vector<Section> all{{"GROWTH", "verdict: " + result.verdict, {std::move(table)}, false}};
  if (!result.suspect.empty())
    all.push_back(
        {"SUSPECT",
         "",
         {Paragraph{fmt::format("{}{}{}", result.suspect,
                                result.kind.empty() ? "" : ": looks like ", result.kind)}},
         false});
  return all;
}

}  // namespace triage::probes::heap_gate
