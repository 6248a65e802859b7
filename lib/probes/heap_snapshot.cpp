#include "lib/probes/heap_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/os/memory_split.h"
#include "lib/os/target.h"
#include "lib/probes/heap_at_exit.h"
#include "lib/probes/heap_live.h"
#include "lib/probes/heap_text.h"
#include "lib/probes/left_files.h"
#include "lib/store/packed_file.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_snapshot_parser.h"
#include "lib/v8/inspector.h"

namespace triage::probes::heap_snapshot {
namespace {

/// Measured on Node.js 20: 1.6 s at 30 MB, 15.7 s at 169 MB, 62.7 s at 622 MB of heap in use; peak
/// resident memory rises by 7 to 8 times a large heap, by 10 times one of 10 MB and 12 times one of
/// 31 MB: the largest decides, since a forecast of memory may not be too low.
constexpr double pause_s_per_byte = 0.1 / 1e6;
constexpr double least_pause_s = 0.3;
constexpr std::int64_t memory_per_byte = 13;
/// V8 sends nothing for most of the time: it builds the graph.
constexpr auto answer_limit = std::chrono::hours(1);
/// No snapshot is larger than so many times the heap: the bound for what the parser believes.
constexpr std::uint64_t largest_factor = 64;

std::optional<std::int64_t> free_memory(const os::MemoryLimits& limits) {
  std::optional<std::int64_t> free = limits.host_available_bytes;
  if (limits.group_max_bytes && limits.group_used_bytes) {
    const std::int64_t group = *limits.group_max_bytes - *limits.group_used_bytes;
    free = free ? std::min(*free, group) : group;
  }
  return free;
}

/// Refuses what would stop or end the service.
void check_forecast(const Options& options, const Sample& sample, const Forecast& forecast) {
  if (options.allow_pause) return;
  const char* remedy =
      "take it on an instance without traffic, or allow it with --allow-pause; triage heap sample "
      "pauses it for less";
  const double budget_s = std::chrono::duration<double>(options.pause_budget).count();
  const std::string heap = or_unknown(sample.heap_used_bytes, bytes_text);
  if (forecast.pause_s > budget_s)
    throw Error(ErrorCode::refused,
                fmt::format("a snapshot of {} would stop the process for about {} and need about "
                            "{} more memory; the budget is {}",
                            heap, format_duration(forecast.pause_s),
                            bytes_text(forecast.memory_bytes), format_duration(budget_s)),
                remedy);
  if (sample.free_memory_bytes && *sample.free_memory_bytes < forecast.memory_bytes)
    throw Error(
        ErrorCode::refused,
        fmt::format("a snapshot of {} needs about {} more memory, and {} are free: the "
                    "kernel could kill the process",
                    heap, bytes_text(forecast.memory_bytes), bytes_text(*sample.free_memory_bytes)),
        remedy);
}

std::optional<std::int64_t> rss_of(const os::Procfs& procfs, pid_t pid) {
  std::vector<Gap> ignored;
  const auto text = attempt(ignored, "rss", [&] { return procfs.read(pid, "status"); });
  const auto kib = text ? os::number_after(*text, "VmRSS") : std::nullopt;
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

/// Says how far V8 is: HeapProfiler.reportHeapSnapshotProgress {done, total, finished}.
void show_progress(v8::Inspector& inspector, const std::string& name, const store::PackedFile& file,
                   Session& session) {
  while (const auto event = inspector.next_event(Duration::zero())) {
    if (event->method != "HeapProfiler.reportHeapSnapshotProgress") continue;
    const double done = event->params.value("done", 0.0);
    const double total = event->params.value("total", 0.0);
    if (total > 0)
      session.progress(fmt::format("{}: the target stands still; V8 is at {}", name,
                                   format_ratio(std::min(done / total, 1.0))));
  }
  if (file.unpacked_bytes() > 0)
    session.progress(fmt::format("{}: {} received", name,
                                 format_bytes(static_cast<double>(file.unpacked_bytes()))));
}

FileRow take_one(const Options& options, v8::Inspector& inspector, Session& session,
                 Sample& sample) {
  const std::string name = fmt::format("snapshot {}/{}", sample.files.size() + 1, options.count);
  FileRow row;
  row.at = to_rfc3339(session.clock().now());
  std::string stamp = row.at.substr(0, 19);
  std::replace(stamp.begin(), stamp.end(), ':', '-');
  row.file =
      (std::filesystem::path(options.out) /
       fmt::format("heap-{}-{}-{}.heapsnapshot.zst", sample.pid, stamp, sample.files.size() + 1))
          .lexically_normal()
          .string();
  store::PackedFile file(row.file);
  v8::HeapSnapshotParser parser(
      (static_cast<std::uint64_t>(sample.heap_used_bytes.value_or(0)) + (std::uint64_t{1} << 24U)) *
      largest_factor);
  inspector.on_snapshot_chunk([&](std::string_view chunk) {
    file.write(chunk);
    parser.feed(chunk);
  });
  inspector.on_wait([&] { show_progress(inspector, name, file, session); });
  session.progress(name + ": the target stands still");
  const Duration start = session.clock().monotonic();
  inspector.request("HeapProfiler.takeHeapSnapshot",
                    {{"reportProgress", true}, {"captureNumericValue", false}}, answer_limit);
  const Duration pause = session.clock().monotonic() - start;
  inspector.on_snapshot_chunk({});
  inspector.on_wait({});
  session.paused(pause);
  // what V8 did not send whole keeps the name of a part
  v8::HeapSnapshot snapshot = parser.finish();
  file.finish();
  session.touch({"file written", row.file, 1, 0});
  row.pause_s = std::chrono::duration<double>(pause).count();
  row.snapshot_bytes = signed_count(file.unpacked_bytes());
  row.file_bytes = signed_count(file.packed_bytes());
  summarise(snapshot, options, row, sample);
  return row;
}

/// Waits until the next one is due; the clock of `every` runs from start to start.
void wait_until_due(const Options& options, Duration begun, Session& session,
                    const Sample& sample) {
  for (;;) {
    const Duration left = options.every - (session.clock().monotonic() - begun);
    if (left <= Duration::zero() || session.cancelled()) return;
    session.progress(fmt::format("{} of {} taken; the next one in {}", sample.files.size(),
                                 options.count,
                                 format_duration(std::chrono::duration<double>(left).count())));
    std::this_thread::sleep_for(std::min<Duration>(left, std::chrono::milliseconds(200)));
  }
}

void take_all(const Options& options, v8::Inspector& inspector, Session& session, Sample& sample) {
  const std::int64_t count = std::clamp<std::int64_t>(options.count, 1, 100);
  while (static_cast<std::int64_t>(sample.files.size()) < count && !session.cancelled()) {
    const Duration begun = session.clock().monotonic();
    std::vector<Gap> gaps;
    auto row =
        attempt(gaps, "files", [&] { return take_one(options, inspector, session, sample); });
    if (!row) {
      // With nothing at all there is no report; with some, they are worth one.
      if (sample.files.empty())
        throw Error(error_code_of(gaps[0].code), gaps[0].why, gaps[0].remedy);
      sample.gaps.push_back(gaps.front());
      return;
    }
    sample.files.push_back(std::move(*row));
    if (static_cast<std::int64_t>(sample.files.size()) < count)
      wait_until_due(options, begun, session, sample);
  }
}

void check_options(const Options& options) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "heap snapshot: no target given",
                "name a process: triage heap snapshot 4127 --allow-inspector");
  if (!std::filesystem::is_directory(options.out))
    throw Error(ErrorCode::usage, fmt::format("heap snapshot: {} is no directory", options.out),
                "name one that exists with --out");
}

/// How a file is looked at once more.
std::string read_again(const std::string& file) {
  return (is_profile(file) ? "triage heap sample --file " : "triage heap show ") + quoted(file);
}

std::string note_of(const Result& result) {
  if (result.at_exit)
    return fmt::format("written by Node.js itself{}{}", result.flags.empty() ? "" : " with ",
                       fmt::join(result.flags, " "));
  return fmt::format(
      "forecast: pause {} ({:.1f} times that of an idle machine), {} more memory; RSS {} -> {}",
      or_unknown(result.forecast_pause_s, format_duration), result.slowness_ratio.value_or(1),
      or_unknown(result.forecast_memory_bytes, bytes_text),
      or_unknown(result.rss_before_bytes, bytes_text),
      or_unknown(result.rss_after_bytes, bytes_text));
}

Section files_section(const Result& result) {
  Table files{{{"file", false, true},
               {result.at_exit ? "written" : "pause", true, false},
               {"heap", true, false},
               {"on disk", true, false}},
              {}};
  for (const auto& row : result.files)
    files.rows.push_back(
        {std::filesystem::path(row.file).filename().string() + (row.cut.empty() ? "" : " (cut)"),
         result.at_exit ? to_time_of_day(parse_rfc3339(row.at))
                        : or_unknown(row.pause_s, format_duration),
         bytes_text(row.total_bytes), bytes_text(row.file_bytes)});
  return {result.at_exit ? "FILES" : "SNAPSHOTS", note_of(result), {std::move(files)}, false};
}

Section classes_section(const Result& result) {
  return {
      "CLASSES", "of the last one, most retained first", {classes_table(result.classes)}, false};
}

Section next_section(const Result& result) {
  std::string names;
  std::size_t snapshots = 0;
  Items next{Items::Marker::number, {}};
  for (const auto& row : result.files) {
    if (is_profile(row.file)) {
      next.items.push_back({"who allocated what stayed", {}, read_again(row.file)});
    } else if (row.cut.empty()) {
      names += " " + quoted(row.file);
      ++snapshots;
    }
  }
  if (snapshots > 1)
    next.items.push_back({"what grew, and where it stays", {}, "triage heap diff" + names});
  else if (snapshots == 1)
    next.items.push_back({"what holds it", {}, "triage heap show" + names});
  return {"NEXT", "", {std::move(next)}, false};
}

}  // namespace

Forecast forecast_of(std::int64_t heap_used_bytes, double slowness) {
  const double idle_s = least_pause_s + static_cast<double>(heap_used_bytes) * pause_s_per_byte;
  return {idle_s * slowness, heap_used_bytes * memory_per_byte};
}

void summarise(v8::HeapSnapshot& snapshot, const Options& options, FileRow& row, Sample& sample) {
  const v8::HeapGraph graph(snapshot);
  row.nodes_count = signed_count(snapshot.node_count());
  row.edges_count = signed_count(snapshot.edge_count());
  row.total_bytes = signed_count(graph.total_size() + snapshot.extra_native_bytes);
  auto classes = v8::summarize_classes(graph);
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 1000));
  if (classes.size() > top) classes.resize(top);
  sample.classes.clear();
  for (const auto& one : classes) sample.classes.push_back(class_row(one));
}

Sample collect(const Options& options, Session& session) {
  check_options(options);
  if (options.at_exit) return collect_at_exit(options, session);
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  v8::Inspector inspector(procfs, process, {.allowed = options.allow_inspector}, session);
  sample.heap_used_bytes = read_heap_usage(inspector).heap_used_bytes;
  sample.slowness_ratio = measure_slowness(inspector, session);
  const Forecast forecast = forecast_of(*sample.heap_used_bytes, *sample.slowness_ratio);
  sample.forecast_pause_s = forecast.pause_s;
  sample.forecast_memory_bytes = forecast.memory_bytes;
  if (const auto limits = attempt(sample.gaps, "free_memory_bytes",
                                  [&] { return os::read_memory_limits(procfs, process.id.pid); }))
    sample.free_memory_bytes = free_memory(*limits);
  check_forecast(options, sample, forecast);
  sample.rss_before_bytes = rss_of(procfs, process.id.pid);
  inspector.request("HeapProfiler.enable");
  take_all(options, inspector, session, sample);
  sample.rss_after_bytes = rss_of(procfs, process.id.pid);
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  Envelope& envelope = result.envelope;
  envelope.at = sample.at;
  envelope.target = sample.target;
  envelope.gaps = sample.gaps;
  if (sample.at_exit)
    judge_at_exit(result);
  else if (static_cast<std::int64_t>(sample.files.size()) < options.count)
    envelope.find("incomplete", Severity::unknown,
                  fmt::format("{} of {} snapshots were taken", sample.files.size(), options.count));
  envelope.provenance.push_back(
      {{"/pid", "/heap_used_bytes", "/free_memory_bytes", "/files", "/classes", "/rss_before_bytes",
        "/rss_after_bytes", "/forecast_pause_s", "/forecast_memory_bytes", "/slowness_ratio",
        "/sites"},
       sample.at_exit ? fmt::format("files that process {} wrote", sample.pid)
                      : fmt::format("V8 inspector of process {}", sample.pid),
       sample.at,
       sample.files.empty() ? "" : read_again(sample.files.back().file)});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all{files_section(result)};
  if (!result.classes.empty()) all.push_back(classes_section(result));
  if (!result.sites.empty()) all.push_back(heap_sample::sites_section(result.sites));
  all.push_back(next_section(result));
  return all;
}

Help help() {
  return {
      "Takes heap snapshots of a running Node.js process, packed by Zstandard, and says at once "
      "what is in them. V8 stops the process for the whole time and needs 8 to 13 times the "
      "heap as further memory: both are forecast first, and refused (exit 5) above --pause-budget "
      "or "
      "without the memory. All snapshots of one call share one inspector session, which `heap "
      "diff` needs. Snapshots hold the data of your users: the files are readable by you alone. "
      "Stopping triage does not stop a snapshot that V8 has begun. With --at-exit nothing is asked "
      "of the process: when it has ended, or --timeout is over, the files are read that Node.js "
      "wrote itself (--heapsnapshot-near-heap-limit, --heapsnapshot-signal, --heap-prof, "
      "v8.setHeapSnapshotNearHeapLimit).",
      {{"triage heap snapshot 4127 --allow-inspector", "one, when the forecast is below 2 s"},
       {"triage heap snapshot 4127 --allow-inspector --count 3 --every 30s --allow-pause",
        "three under load, for heap diff"},
       {"triage heap snapshot name:server.js --at-exit --timeout 8h",
        "what Node.js writes before it dies of memory"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  const auto option = [](const char* name, std::string text, const char* placeholder) {
    return OptionInfo{name, std::move(text), placeholder, {}, false, false, 0};
  };
  visitor.visit({"target",
                 "process: a pid, pid:4127, name:server.js or port:3000",
                 "TARGET",
                 {},
                 true,
                 true,
                 0},
                options.target);
  visitor.visit(option("allow-inspector", std::string(v8::inspector_consent_help), ""),
                options.allow_inspector);
  visitor.visit(option("allow-pause", "take it whatever the forecast says", ""),
                options.allow_pause);
  visitor.visit(option("pause-budget", "longest pause that is not refused", "DURATION"),
                options.pause_budget);
  visitor.visit(option("count", "snapshots to take in one session", "N"), options.count);
  visitor.visit(option("every", "from the start of one to the start of the next", "DURATION"),
                options.every);
  visitor.visit(option("at-exit", "wait for its end and read what Node.js wrote itself", ""),
                options.at_exit);
  visitor.visit(option("out", "directory for the files", "DIRECTORY"), options.out);
  visitor.visit(option("top", "rows of the table of classes", "N"), options.top);
}

}  // namespace triage::probes::heap_snapshot
