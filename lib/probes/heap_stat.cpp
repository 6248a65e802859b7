#include "lib/probes/heap_stat.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "lib/base/units.h"
#include "lib/probes/heap_text.h"
#include "lib/stats/growth_shape.h"
#include "lib/v8/inspector.h"

namespace triage::probes::heap_stat {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
constexpr double near_ratio = 0.9;
/// A process that was so near its heap limit a moment before its end was ended by it: the last bit
/// is filled between two readings, and young objects need not fill their part.
constexpr double end_ratio = 0.8;
constexpr double soon_s = 3600;

using Value = std::function<std::optional<std::int64_t>(const Point&)>;

/// A part whose figure every reading has.
std::optional<Part> part_of(const Sample& sample, const std::string& name, double noise,
                            bool certain, const Value& value) {
  std::vector<double> x;
  std::vector<double> y;
  for (const auto& point : sample.points) {
    const auto bytes = value(point);
    if (!bytes) return std::nullopt;
    x.push_back(point.at_s);
    y.push_back(static_cast<double>(*bytes));
  }
  if (y.empty()) return std::nullopt;
  Part part;
  part.part = name;
  part.now_bytes = static_cast<std::int64_t>(y.back());
  part.change_bytes = static_cast<std::int64_t>(y.back() - y.front());
  const auto shape = stats::growth_shape(x, y, noise);
  part.shape = stats::name_of(shape);
  if (const auto line = stats::theil_sen(x, y)) {
    part.slope_bytes_per_s = line->slope;
    part.slope_low_bytes_per_s = line->slope_low;
    part.slope_high_bytes_per_s = line->slope_high;
  }
  part.grows = shape == stats::GrowthShape::climbing || shape == stats::GrowthShape::warming;
  part.certain = shape == stats::GrowthShape::climbing && certain;
  return part;
}

/// The parts; which ones is decided by what could be read.
void add_parts(const Sample& sample, Result& result) {
  const auto add = [&](const char* name, double noise_mib, bool certain, const Value& value) {
    if (auto part = part_of(sample, name, noise_mib * mebibyte, certain, value))
      result.parts.push_back(std::move(*part));
  };
  const bool gc = sample.garbage_collected;
  // Below so many MiB a part counts as flat: a judgement, not a measured noise.
  add("RSS", 4, false, [](const Point& p) { return p.rss_bytes; });
  add("JS heap used", 1, gc, [](const Point& p) { return p.heap_used_bytes; });
  add("Buffers", 1, gc, [](const Point& p) { return p.array_buffers_bytes; });
  add("other external", 1, gc, [](const Point& p) -> std::optional<std::int64_t> {
    if (!p.external_bytes || !p.array_buffers_bytes) return std::nullopt;
    return *p.external_bytes - *p.array_buffers_bytes;
  });
  // A zeroed large Buffer takes no memory until it is written: never below zero.
  add("native", 6, true, [](const Point& p) -> std::optional<std::int64_t> {
    if (!p.external_bytes) return std::nullopt;
    return std::max<std::int64_t>(p.malloc_bytes - *p.external_bytes, 0);
  });
  add("V8 heap pages", 8, false, [](const Point& p) { return p.v8_pages_bytes; });
  add("malloc and Buffers", 4, false, [](const Point& p) { return p.malloc_bytes; });
  add("stacks", 4, false, [](const Point& p) { return p.stacks_bytes; });
  add("mapped files", 8, false, [](const Point& p) { return p.files_bytes; });
}

const Part* find_part(const Result& result, const std::string& name) {
  for (const auto& part : result.parts)
    if (part.part == name) return &part;
  return nullptr;
}

/// The part that explains the growth: of those that rise, the fastest.
std::string growing_part(const Result& result) {
  struct Row {
    const char* part;
    const char* word;
  };
  static constexpr std::array<Row, 4> with_inspector{{{"JS heap used", "js_heap"},
                                                      {"Buffers", "buffers"},
                                                      {"other external", "external"},
                                                      {"native", "native"}}};
  static constexpr std::array<Row, 2> without{
      {{"V8 heap pages", "v8_pages"}, {"malloc and Buffers", "buffers_or_native"}}};
  const bool inspected = find_part(result, "JS heap used") != nullptr;
  std::string word = "nothing";
  double fastest = 0;
  const auto look = [&](const Row& row) {
    const Part* part = find_part(result, row.part);
    if (part == nullptr) return;
    if (part->shape == "unknown" && fastest == 0) word = "unknown";
    if (!part->grows || part->slope_bytes_per_s.value_or(0) <= fastest) return;
    fastest = *part->slope_bytes_per_s;
    word = row.word;
  };
  if (inspected)
    for (const auto& row : with_inspector) look(row);
  else
    for (const auto& row : without) look(row);
  return word;
}

void add_limit(Result& result, const std::string& name, const std::string& source,
               std::optional<std::int64_t> used, std::optional<std::int64_t> max,
               const std::string& growing) {
  if (!used || !max || *max <= 0) return;
  Limit limit{name, source, *used, *max, static_cast<double>(*used) / static_cast<double>(*max),
              {}};
  const Part* part = find_part(result, growing);
  if (part != nullptr && part->grows && *part->slope_bytes_per_s > 0)
    limit.reached_in_s =
        static_cast<double>(std::max<std::int64_t>(*max - *used, 0)) / *part->slope_bytes_per_s;
  result.limits.push_back(std::move(limit));
}

void add_limits(const Sample& sample, Result& result) {
  if (sample.points.empty()) return;
  const Point& last = sample.points.back();
  const Bounds& bounds = sample.bounds;
  const bool inspected = last.heap_used_bytes.has_value();
  add_limit(result, "V8 heap", bounds.heap_limit_source,
            inspected ? last.heap_used_bytes : last.v8_pages_bytes, bounds.heap_limit_bytes,
            inspected ? "JS heap used" : "V8 heap pages");
  add_limit(result, "control group", bounds.group, bounds.group_used_bytes, bounds.group_max_bytes,
            "RSS");
  if (bounds.host_total_bytes && bounds.host_available_bytes)
    add_limit(result, "host", "/proc/meminfo",
              *bounds.host_total_bytes - *bounds.host_available_bytes, bounds.host_total_bytes,
              "RSS");
  std::stable_sort(result.limits.begin(), result.limits.end(), [](const Limit& a, const Limit& b) {
    if (a.reached_in_s.has_value() != b.reached_in_s.has_value()) return a.reached_in_s.has_value();
    if (a.reached_in_s) return *a.reached_in_s < *b.reached_in_s;
    return a.used_ratio > b.used_ratio;
  });
}

std::string growth_text(const Part& part) {
  return fmt::format("{} rises by {}/min ({} to {})", part.part,
                     format_bytes(*part.slope_bytes_per_s * 60),
                     format_bytes(std::max(*part.slope_low_bytes_per_s, 0.0) * 60),
                     format_bytes(*part.slope_high_bytes_per_s * 60));
}

std::string doubt_about(const Part& part, const Result& result) {
  if (part.shape == "warming") return "; it slows down: a cache that fills up looks so";
  return result.garbage_collected ? "" : "; part of it may be garbage that was not collected yet";
}

void judge_growth(Result& result) {
  Envelope& envelope = result.envelope;
  static const std::vector<std::pair<std::string, std::string>> names{
      {"js_heap", "JS heap used"},    {"buffers", "Buffers"},
      {"external", "other external"}, {"native", "native"},
      {"v8_pages", "V8 heap pages"},  {"buffers_or_native", "malloc and Buffers"}};
  if (result.grows == "unknown")
    envelope.find("too_few_readings", Severity::unknown,
                  fmt::format("{} readings are too few to see a direction", result.points.size()));
  for (const auto& [word, name] : names) {
    if (word != result.grows) continue;
    const Part* part = find_part(result, name);
    const bool warns = part->certain || (word == "buffers_or_native" && part->shape == "climbing");
    envelope.find(word + "_grows", warns ? Severity::warn : Severity::info,
                  growth_text(*part) + (warns ? "" : doubt_about(*part, result)));
  }
}

bool rises_steadily(const Result& result) {
  return std::any_of(result.parts.begin(), result.parts.end(),
                     [](const Part& part) { return part.certain; });
}

/// Why it ended: killed by the kernel, ended by V8, or neither is seen.
std::string end_text(const Sample& sample) {
  if (sample.bounds.oom_kills_new_count.value_or(0) > 0) return ": the kernel killed it";
  // the last reading may have met memory that was being given back already
  double fullest = 0;
  for (const auto& point : sample.points)
    fullest = std::max(fullest,
                       static_cast<double>(point.heap_used_bytes.value_or(point.v8_pages_bytes)));
  fullest /= static_cast<double>(sample.bounds.heap_limit_bytes.value_or(INT64_MAX));
  const bool left = std::any_of(sample.files.begin(), sample.files.end(),
                                [](const LeftFile& file) { return file.of_target; });
  if (fullest >= end_ratio)
    return fmt::format(": V8's heap was {} full, and no OOM kill was counted",
                       format_ratio(fullest));
  return left ? ": it left a heap snapshot; no OOM kill was counted"
              : "; neither an OOM kill nor a full heap was seen";
}

void judge_end(const Sample& sample, Result& result) {
  Envelope& envelope = result.envelope;
  const Bounds& bounds = sample.bounds;
  if (sample.ended)
    envelope.find("ended", Severity::crit,
                  "the process ended while it was looked at" + end_text(sample));
  if (sample.restarts.new_pid)
    envelope.find("restarted", Severity::crit,
                  fmt::format("it was started again as process {}", *sample.restarts.new_pid));
  if (bounds.oom_kills_new_count.value_or(0) > 0)
    envelope.find("oom_kill", Severity::crit,
                  "the kernel killed a process of this control group while it was looked at");
  else if (bounds.oom_kills_count.value_or(0) > 0)
    envelope.find("oom_kills_before", Severity::info,
                  fmt::format("{} OOM kills in its control group since that exists",
                              *bounds.oom_kills_count));
  else if (bounds.parent_oom_kills_count.value_or(0) > 0)
    envelope.find("oom_kills_before", Severity::info,
                  fmt::format("{} OOM kills in the group above, {}: of containers before this one, "
                              "or beside it",
                              *bounds.parent_oom_kills_count, bounds.parent_group));
  if (bounds.limit_hits_count.value_or(0) > 0)
    envelope.find("limit_hit", Severity::info,
                  fmt::format("its control group was at its memory limit {} times",
                              format_count(*bounds.limit_hits_count)));
}

/// Younger than the workers beside it: it took the place of one that ended, or was added later.
void judge_restarts(Result& result) {
  const Restarts& restarts = result.restarts;
  if (restarts.count.value_or(0) > 0)
    result.envelope.find(
        "restarts", Severity::info,
        fmt::format("it was started again {} times ({}); it runs for {}", *restarts.count,
                    restarts.source, or_unknown(result.age_s, format_duration)));
  const auto oldest = restarts.oldest_sibling_age_s;
  if (restarts.count || !oldest || !result.age_s || *oldest < 2 * *result.age_s + 60) return;
  result.envelope.find(
      "younger_than_siblings", Severity::info,
      fmt::format("it runs for {}, the oldest of {} workers beside it for {}: it took the place "
                  "of one that ended, or was added later",
                  format_duration(*result.age_s), restarts.siblings_count,
                  format_duration(*oldest)));
}

void judge_limits(Result& result) {
  Envelope& envelope = result.envelope;
  for (const auto& limit : result.limits) {
    const bool soon = limit.reached_in_s && *limit.reached_in_s < soon_s &&
                      result.grows != "nothing" && result.grows != "v8_pages" &&
                      rises_steadily(result);
    if (limit.used_ratio < near_ratio && !soon) continue;
    envelope.find(limit.name == "V8 heap" ? "near_heap_limit" : "near_limit",
                  soon ? Severity::crit : Severity::warn,
                  fmt::format("{}: {} of {} used ({}){}", limit.name, bytes_text(limit.used_bytes),
                              bytes_text(limit.max_bytes), format_ratio(limit.used_ratio),
                              soon ? ", full in " + format_duration(*limit.reached_in_s) : ""));
  }
}

void add_provenance(const Sample& sample, Result& result) {
  const auto add = [&](std::vector<std::string> figures, std::string source, std::string repeat) {
    result.envelope.provenance.push_back(
        {std::move(figures), std::move(source), sample.at, std::move(repeat)});
  };
  const bool inspected = !sample.points.empty() && sample.points.back().heap_used_bytes.has_value();
  add({"/parts", "/points", "/limits"},
      fmt::format("/proc/{}/smaps{}", sample.pid,
                  inspected ? ", process.memoryUsage() through the inspector" : ""),
      fmt::format("triage heap stat {}{}{} -o json", sample.pid,
                  inspected ? " --allow-inspector" : "", sample.garbage_collected ? " --gc" : ""));
  add({"/bounds"}, sample.bounds.group + ", /proc/meminfo",
      fmt::format("head -n 99 {}/memory.* 2>/dev/null; grep Mem /proc/meminfo",
                  sample.bounds.group));
  add({"/restarts"},
      fmt::format("/proc{}{}", sample.restarts.source.empty() ? "" : "; ", sample.restarts.source),
      sample.restarts.repeat.empty()
          ? fmt::format("ps -o pid,ppid,etimes,args --ppid $(ps -o ppid= -p {})", sample.pid)
          : sample.restarts.repeat);
  add({"/files"}, fmt::format("the directories of process {}", sample.pid),
      fmt::format("ls -l /proc/{}/cwd/", sample.pid));
  add({"/pid", "/age_s"}, fmt::format("/proc/{}/stat", sample.pid),
      fmt::format("ps -o pid,etimes -p {}", sample.pid));
}

}  // namespace

Help help() {
  return {
      "Says what the memory of a Node.js process consists of, how each part moves (flat, warming, "
      "climbing, sawtooth, spikes) with the Theil-Sen slope and its 95 % interval, and which limit "
      "is reached first and when. From /proc alone V8's pages are told from the rest by their "
      "addresses. --allow-inspector adds the numbers of process.memoryUsage(), by which a "
      "JavaScript leak, a Buffer leak and a native leak are told apart without a snapshot; --gc "
      "collects garbage before each reading (about 1 ms of pause per MiB). Take this before the "
      "first snapshot: a snapshot raises the RSS itself.",
      {{"triage heap stat 4127", "ten seconds, from /proc alone"},
       {"triage heap stat 4127 --allow-inspector --gc --duration 60s",
        "tells kept memory from garbage"},
       {"triage heap stat port:3000 --duration 0s", "one reading"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target",
                 "process: a pid, pid:4127, name:server.js or port:3000",
                 "TARGET",
                 {},
                 true,
                 true,
                 0},
                options.target);
  visitor.visit(
      {"allow-inspector", std::string(v8::inspector_consent_help), {}, {}, false, false, 0},
      options.allow_inspector);
  visitor.visit(
      {"gc", "collect garbage before each reading; pauses the target", {}, {}, false, false, 0},
      options.gc);
  visitor.visit({"duration", "how long to look", "DURATION", {}, false, false, 0},
                options.duration);
  visitor.visit({"interval", "between two readings", "DURATION", {}, false, false, 0},
                options.interval);
  visitor.visit(
      {"pause-budget", "longest pause that --gc may cause", "DURATION", {}, false, false, 0},
      options.pause_budget);
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.pid = sample.pid;
  result.age_s = sample.age_s;
  result.garbage_collected = sample.garbage_collected;
  result.points = sample.points;
  result.bounds = sample.bounds;
  result.restarts = sample.restarts;
  result.files = sample.files;
  add_parts(sample, result);
  result.grows = growing_part(result);
  add_limits(sample, result);
  judge_growth(result);
  judge_end(sample, result);
  judge_restarts(result);
  judge_limits(result);
  add_provenance(sample, result);
  return result;
}

}  // namespace triage::probes::heap_stat
