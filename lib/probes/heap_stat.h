#pragma once

/// `triage heap stat`: what the memory of a Node.js process consists of, which part grows, and
/// which limit is reached first.
///
/// From /proc alone: pages of V8's heap, malloc (native code and Buffers), stacks, files. With
/// --allow-inspector also the five numbers of process.memoryUsage(), which tell a JavaScript leak,
/// a Buffer leak and a native leak apart; with --gc garbage is collected before each reading, so
/// that what grows is kept and not merely not yet collected.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/left_files.h"
#include "lib/report/report.h"

namespace triage::probes::heap_stat {

struct Options {
  std::string target;
  bool allow_inspector = false;
  bool gc = false;
  std::chrono::milliseconds duration{10000};
  std::chrono::milliseconds interval{1000};
  std::chrono::milliseconds pause_budget{500};  ///< for one garbage collection
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// One reading.
struct Point {
  double at_s = 0;  ///< since the first one
  std::int64_t rss_bytes = 0;
  std::int64_t v8_pages_bytes = 0;
  std::int64_t malloc_bytes = 0;
  std::int64_t stacks_bytes = 0;
  std::int64_t files_bytes = 0;
  std::int64_t swapped_bytes = 0;
  std::optional<std::int64_t> heap_total_bytes;
  std::optional<std::int64_t> heap_used_bytes;
  std::optional<std::int64_t> external_bytes;
  std::optional<std::int64_t> array_buffers_bytes;
};

/// What bounds the memory; unknown members could not be read.
struct Bounds {
  std::optional<std::int64_t> heap_limit_bytes;
  std::string heap_limit_source;
  std::string group;
  std::optional<std::int64_t> group_max_bytes;
  std::optional<std::int64_t> group_used_bytes;
  std::optional<std::int64_t> oom_kills_count;
  std::optional<std::int64_t> oom_kills_new_count;  ///< while it was looked at
  std::optional<std::int64_t> limit_hits_count;
  std::string parent_group;
  std::optional<std::int64_t> parent_oom_kills_count;
  std::optional<std::int64_t> host_oom_kills_count;
  std::optional<std::int64_t> host_total_bytes;
  std::optional<std::int64_t> host_available_bytes;
};

/// How often the process was started again, as far as that is known outside of its supervisor.
struct Restarts {
  std::optional<std::int64_t> count;
  std::string source;      ///< who counts them, or why nobody does
  std::string repeat;      ///< shell line that shows it
  std::string supervisor;  ///< its parent
  std::optional<double> supervisor_age_s;
  std::int64_t siblings_count = 0;
  std::optional<double> oldest_sibling_age_s;
  std::optional<std::int64_t> new_pid;  ///< what the selector names after the process ended
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::optional<double> age_s;  ///< of the process
  bool garbage_collected = false;
  bool ended = false;  ///< the process ended while it was looked at
  std::vector<Point> points;
  Bounds bounds;
  Restarts restarts;
  std::vector<LeftFile> files;  ///< that Node.js wrote itself into its directories
  std::vector<Gap> gaps;
};

/// How one part of the memory moves.
struct Part {
  std::string part;  ///< "JS heap", "Buffers", "other external", "native", "V8 pages", ...
  std::int64_t now_bytes = 0;
  std::int64_t change_bytes = 0;
  std::string shape;  ///< flat, warming, climbing, sawtooth, spikes, unknown
  std::optional<double> slope_bytes_per_s;
  std::optional<double> slope_low_bytes_per_s;
  std::optional<double> slope_high_bytes_per_s;
  bool grows = false;    ///< climbing or warming by more than noise
  bool certain = false;  ///< climbing, and it cannot be garbage
};

struct Limit {
  std::string name;
  std::string source;
  std::int64_t used_bytes = 0;
  std::int64_t max_bytes = 0;
  double used_ratio = 0;
  std::optional<double> reached_in_s;  ///< at the present slope; null when it does not grow
};

struct Result {
  Envelope envelope;
  std::int64_t pid = 0;
  std::optional<double> age_s;
  bool garbage_collected = false;
  std::string grows;  ///< "js_heap", "buffers", "external", "native", "nothing", ... or "unknown"
  std::vector<Part> parts;
  std::vector<Limit> limits;  ///< the one that is hit first, first
  Bounds bounds;
  std::vector<Point> points;
  Restarts restarts;
  std::vector<LeftFile> files;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Point* /*tag*/) {
  visit("at_s", self.at_s, "seconds since the first reading");
  visit("rss_bytes", self.rss_bytes, "resident in all");
  visit("v8_pages_bytes", self.v8_pages_bytes, "resident pages of V8's heap");
  visit("malloc_bytes", self.malloc_bytes, "[heap] and other anonymous memory");
  visit("stacks_bytes", self.stacks_bytes, "stacks of all threads");
  visit("files_bytes", self.files_bytes, "mapped files");
  visit("swapped_bytes", self.swapped_bytes, "in swap, not resident");
  visit("heap_total_bytes", self.heap_total_bytes, "memoryUsage().heapTotal");
  visit("heap_used_bytes", self.heap_used_bytes, "memoryUsage().heapUsed");
  visit("external_bytes", self.external_bytes, "memoryUsage().external, with ArrayBuffers");
  visit("array_buffers_bytes", self.array_buffers_bytes, "memoryUsage().arrayBuffers");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Bounds* /*tag*/) {
  visit("heap_limit_bytes", self.heap_limit_bytes, "at which V8 ends the process");
  visit("heap_limit_source", self.heap_limit_source, "how it is known");
  visit("group", self.group, "directory of the control group");
  visit("group_max_bytes", self.group_max_bytes, "its tightest memory limit; null: none");
  visit("group_used_bytes", self.group_used_bytes, "memory of the group, page cache included");
  visit("oom_kills_count", self.oom_kills_count, "OOM kills in the group since it exists");
  visit("oom_kills_new_count", self.oom_kills_new_count, "of them during this run");
  visit("limit_hits_count", self.limit_hits_count, "how often the group was at its limit");
  visit("parent_group", self.parent_group, "nearest group above that counts kills; may be none");
  visit("parent_oom_kills_count", self.parent_oom_kills_count,
        "OOM kills in that group, with its children that ended");
  visit("host_oom_kills_count", self.host_oom_kills_count, "OOM kills since boot, of any group");
  visit("host_total_bytes", self.host_total_bytes, "MemTotal");
  visit("host_available_bytes", self.host_available_bytes, "MemAvailable");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Restarts* /*tag*/) {
  visit("count", self.count, "by its supervisor; null when none says so");
  visit("source", self.source, "who counts them; empty when nobody here does");
  visit("repeat", self.repeat, "shell line that shows it");
  visit("supervisor", self.supervisor, "its parent");
  visit("supervisor_age_s", self.supervisor_age_s, "since the parent started");
  visit("siblings_count", self.siblings_count, "same command line, same parent");
  visit("oldest_sibling_age_s", self.oldest_sibling_age_s, "since the oldest of them started");
  visit("new_pid", self.new_pid, "process that took its place while it was looked at");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("age_s", self.age_s, "since the process started");
  visit("garbage_collected", self.garbage_collected, "before each reading");
  visit("ended", self.ended, "whether the process ended meanwhile");
  visit("points", self.points, "readings, oldest first");
  visit("bounds", self.bounds, "what bounds the memory");
  visit("restarts", self.restarts, "how often it was started again");
  visit("files", self.files, "that Node.js wrote itself into its directories, newest first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Part* /*tag*/) {
  visit("part", self.part, "which memory");
  visit("now_bytes", self.now_bytes, "at the last reading");
  visit("change_bytes", self.change_bytes, "last minus first reading");
  visit("shape", self.shape, "flat, warming, climbing, sawtooth, spikes or unknown");
  visit("slope_bytes_per_s", self.slope_bytes_per_s, "Theil-Sen");
  visit("slope_low_bytes_per_s", self.slope_low_bytes_per_s, "its 95 % interval, lower end");
  visit("slope_high_bytes_per_s", self.slope_high_bytes_per_s, "its 95 % interval, upper end");
  visit("grows", self.grows, "whether it rises by more than noise");
  visit("certain", self.certain, "whether it cannot be garbage that waits for collection");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Limit* /*tag*/) {
  visit("name", self.name, "V8 heap, control group or host");
  visit("source", self.source, "how it is known");
  visit("used_bytes", self.used_bytes, "used of it");
  visit("max_bytes", self.max_bytes, "the limit");
  visit("used_ratio", self.used_ratio, "used / limit, 0..1");
  visit("reached_in_s", self.reached_in_s, "at the present slope; null when it does not grow");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("age_s", self.age_s, "since the process started: it restarted so long ago");
  visit("garbage_collected", self.garbage_collected, "before each reading");
  visit("grows", self.grows,
        "js_heap, buffers, external, native, v8_pages, buffers_or_native, nothing or unknown");
  visit("parts", self.parts, "what the memory consists of");
  visit("limits", self.limits, "the one that is hit first, first");
  visit("bounds", self.bounds, "what bounds the memory, as read");
  visit("points", self.points, "readings, oldest first");
  visit("restarts", self.restarts, "how often it was started again");
  visit("files", self.files, "that Node.js wrote itself into its directories, newest first");
}

}  // namespace triage::probes::heap_stat
