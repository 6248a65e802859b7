#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/os/memory_split.h"
#include "lib/os/restarts.h"
#include "lib/os/target.h"
#include "lib/probes/heap_live.h"
#include "lib/probes/heap_stat.h"
#include "lib/v8/inspector.h"
#include "lib/v8/node_flags.h"

namespace triage::probes::heap_stat {
namespace {

constexpr std::int64_t mebibyte = std::int64_t{1024} * 1024;
constexpr auto successor_limit = std::chrono::seconds(5);

/// What V8 takes as its limit of old objects without an option: half of the memory it sees, at most
/// 2 GiB, or 4 GiB with 15 GiB of memory and more (V8,
/// Heap::MaxOldGenerationSizeFromPhysicalMemory).
std::int64_t default_old_limit(std::int64_t memory) {
  const bool large = memory >= std::int64_t{15} * 1024 * mebibyte;
  return std::min(memory / 2, (large ? 4096 : 2048) * mebibyte);
}

std::optional<std::int64_t> mebibytes_of(const v8::NodeFlags& flags, const char* name) {
  const auto text = flags.value(name);
  std::int64_t size = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), size).ec != std::errc())
    return std::nullopt;
  return size * mebibyte;
}

/// Young objects come on top of the limit of old ones: three semi-spaces of 16 MiB (V8,
/// Heap::YoungGenerationSizeFromSemiSpaceSize; as v8.getHeapStatistics().heap_size_limit counts).
/// Node.js 24 has semi-spaces of 64 MiB: what is taken here for it is 144 MiB too little.
std::int64_t young_limit(const v8::NodeFlags& flags) {
  return 3 * mebibytes_of(flags, "--max-semi-space-size").value_or(16 * mebibyte);
}

/// The limit as far as /proc tells it.
void read_heap_limit(const os::Procfs& procfs, const os::ProcessInfo& process, Sample& sample) {
  std::vector<Gap> ignored;
  const std::string environ_text = attempt(ignored, "environ", [&] {
                                     return procfs.read(process.id.pid, "environ");
                                   }).value_or(std::string());
  const v8::NodeFlags flags(process.arguments, environ_text);
  Bounds& bounds = sample.bounds;
  if (const auto old = mebibytes_of(flags, "--max-old-space-size")) {
    bounds.heap_limit_bytes = *old + young_limit(flags);
    bounds.heap_limit_source = "--max-old-space-size of the process";
    return;
  }
  std::optional<std::int64_t> memory = bounds.host_total_bytes;
  if (memory && bounds.group_max_bytes) memory = std::min(*memory, *bounds.group_max_bytes);
  if (!memory) return;
  bounds.heap_limit_bytes = default_old_limit(*memory) + young_limit(flags);
  bounds.heap_limit_source = "V8's default for this much memory";
}

void read_bounds(const os::Procfs& procfs, const os::ProcessInfo& process, Sample& sample) {
  const auto limits = attempt(sample.gaps, "bounds",
                              [&] { return os::read_memory_limits(procfs, process.id.pid); });
  if (!limits) return;
  Bounds& bounds = sample.bounds;
  bounds.group = limits->group;
  bounds.group_max_bytes = limits->group_max_bytes;
  bounds.group_used_bytes = limits->group_used_bytes;
  bounds.oom_kills_count = limits->oom_kills_count;
  bounds.limit_hits_count = limits->limit_hits_count;
  bounds.parent_group = limits->parent_group;
  bounds.parent_oom_kills_count = limits->parent_oom_kills_count;
  bounds.host_oom_kills_count = limits->host_oom_kills_count;
  bounds.host_total_bytes = limits->host_total_bytes;
  bounds.host_available_bytes = limits->host_available_bytes;
  read_heap_limit(procfs, process, sample);
}

void add_usage(v8::Inspector& inspector, Sample& sample, Point& point) {
  const HeapUsage usage = read_heap_usage(inspector);
  point.heap_total_bytes = usage.heap_total_bytes;
  point.heap_used_bytes = usage.heap_used_bytes;
  point.external_bytes = usage.external_bytes;
  point.array_buffers_bytes = usage.array_buffers_bytes;
  if (usage.heap_limit_bytes > 0) {
    sample.bounds.heap_limit_bytes = usage.heap_limit_bytes;
    sample.bounds.heap_limit_source = "v8.getHeapStatistics().heap_size_limit";
  }
}

bool has_ended(const os::Procfs& procfs, const os::ProcessIdentity& id) {
  std::vector<Gap> ignored;
  const auto now = attempt(ignored, "state", [&] { return procfs.process(id.pid); });
  return !now || now->id != id || now->state == 'Z' || now->state == 'X';
}

Point read_point(const os::Procfs& procfs, const os::ProcessIdentity& id) {
  procfs.check_same(id);
  const os::MemorySplit split = os::parse_memory_split(procfs.read(id.pid, "smaps"));
  Point point;
  if (split.rss_bytes == 0 && has_ended(procfs, id))
    throw Error(ErrorCode::not_found, fmt::format("process {} has ended", id.pid),
                "look at what is left of it: its log, its heap snapshots");
  point.rss_bytes = split.rss_bytes;
  point.v8_pages_bytes = split.v8_heap_bytes;
  point.malloc_bytes = split.malloc_bytes;
  point.stacks_bytes = split.stacks_bytes;
  point.files_bytes = split.files_bytes;
  point.swapped_bytes = split.swapped_bytes;
  return point;
}

void read_points(const Options& options, const os::Procfs& procfs, const os::ProcessInfo& process,
                 v8::Inspector* inspector, Session& session, Sample& sample) {
  const Duration start = session.clock().monotonic();
  const Duration interval = std::max(options.interval, std::chrono::milliseconds(50));
  const auto count = static_cast<std::size_t>(1 + options.duration / interval);
  while (sample.points.size() < count && !session.cancelled()) {
    session.progress(
        fmt::format("memory of {}, reading {}/{}", sample.target, sample.points.size() + 1, count));
    std::vector<Gap> gaps;
    const auto point = attempt(gaps, "points", [&] {
      if (inspector != nullptr && options.gc) collect_garbage(*inspector, session);
      Point read = read_point(procfs, process.id);
      if (inspector != nullptr) add_usage(*inspector, sample, read);
      return read;
    });
    if (!point) {
      if (sample.points.empty())
        throw Error(error_code_of(gaps[0].code), gaps[0].why, gaps[0].remedy);
      sample.ended = has_ended(procfs, process.id);
      sample.gaps.push_back(gaps.front());
      return;
    }
    sample.points.push_back(*point);
    const Duration now = session.clock().monotonic() - start;
    sample.points.back().at_s = std::chrono::duration<double>(now).count();
    const Duration next = interval * static_cast<std::int64_t>(sample.points.size());
    if (sample.points.size() < count && next > now)
      std::this_thread::sleep_for(std::min<Duration>(next - now, session.remaining()));
  }
}

/// The group may be gone with the process: then the one above still counts its kills.
void read_kills_again(Sample& sample) {
  Bounds& bounds = sample.bounds;
  for (const auto& [group, before] :
       {std::pair(bounds.group, bounds.oom_kills_count),
        std::pair(bounds.parent_group, bounds.parent_oom_kills_count)}) {
    const auto after = before ? os::read_oom_kills(group) : std::nullopt;
    if (!after) continue;
    bounds.oom_kills_new_count = *after - *before;
    return;
  }
}

Restarts restarts_of(const os::Procfs& procfs, const os::ProcessInfo& process) {
  const os::Restarts read = os::read_restarts(procfs, process);
  return {read.count,
          read.source,
          read.repeat,
          read.supervisor,
          read.supervisor_age_s,
          read.siblings_count,
          read.oldest_sibling_age_s,
          {}};
}

/// A supervisor may need a moment to start it again; a pid names no successor.
void look_for_successor(const Options& options, const os::Procfs& procfs, Session& session,
                        Sample& sample) {
  const bool by_pid = options.target.find_first_not_of("0123456789") == std::string::npos ||
                      options.target.starts_with("pid:");
  const Duration start = session.clock().monotonic();
  while (!by_pid && !session.cancelled() && session.clock().monotonic() - start < successor_limit) {
    std::vector<Gap> ignored;
    const auto next =
        attempt(ignored, "successor", [&] { return os::find_target(procfs, options.target); });
    if (next && next->id.pid != sample.pid) {
      sample.restarts.new_pid = next->id.pid;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "heap stat: no target given",
                "name a process: triage heap stat 4127, name:server.js or port:3000");
  if (options.gc && !options.allow_inspector)
    throw Error(ErrorCode::usage, "heap stat: --gc needs --allow-inspector",
                "add --allow-inspector");
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  const pid_t pid = process.id.pid;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = pid;
  sample.age_s = os::age_of(procfs, process.id);
  sample.restarts = restarts_of(procfs, process);
  const LeftFiles left(procfs, process, session.clock());
  read_bounds(procfs, process, sample);
  std::optional<v8::Inspector> inspector;
  if (options.allow_inspector) {
    inspector.emplace(procfs, process, v8::InspectorOptions{.allowed = true}, session);
    if (options.gc) {
      check_gc_pause(*inspector, options.pause_budget);
      inspector->request("HeapProfiler.enable");
      sample.garbage_collected = true;
    }
  }
  read_points(options, procfs, process, inspector ? &*inspector : nullptr, session, sample);
  inspector.reset();
  read_kills_again(sample);
  sample.files = left.list();
  if (sample.ended) look_for_successor(options, procfs, session, sample);
  session.touch({fmt::format("/proc/{}", pid), "stat, cmdline, environ, cgroup, smaps",
                 static_cast<std::int64_t>(sample.points.size()), 0});
  return sample;
}

}  // namespace triage::probes::heap_stat
