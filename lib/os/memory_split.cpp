#include "lib/os/memory_split.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

#include "lib/base/gap.h"

namespace triage::os {
namespace {

constexpr std::uint64_t v8_page = std::uint64_t{256} * 1024;
constexpr std::uint64_t v8_addresses = std::uint64_t{1} << 46U;
/// Page counts that mean "no limit" in cgroup v1: 2^63 rounded down to pages.
constexpr std::int64_t no_limit = std::int64_t{1} << 60U;

/// "7f10-7f20 rw-p 00000000 00:00 0      [heap]"
struct Mapping {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string_view access;
  std::string_view name;
};

std::optional<Mapping> parse_header(std::string_view line) {
  Mapping mapping;
  const char* end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, mapping.first, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
  const auto last = std::from_chars(first.ptr + 1, end, mapping.last, 16);
  if (last.ec != std::errc() || last.ptr == end || *last.ptr != ' ') return std::nullopt;
  std::string_view rest = line.substr(static_cast<std::size_t>(last.ptr + 1 - line.data()));
  mapping.access = rest.substr(0, 4);
  for (int field = 0; field < 4 && !rest.empty(); ++field) {  // access, offset, device, inode
    rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  mapping.name = rest;
  return mapping;
}

std::int64_t& part_of(MemorySplit& split, const Mapping& mapping, const Mapping& before) {
  if (mapping.name.substr(0, 6) == "[stack") return split.stacks_bytes;
  if (mapping.name == "[heap]" || mapping.name.substr(0, 6) == "[anon:") return split.malloc_bytes;
  if (!mapping.name.empty()) return split.files_bytes;
  if (mapping.first < v8_addresses && mapping.first % v8_page == 0) return split.v8_heap_bytes;
  const bool guarded = before.last == mapping.first && before.access == "---p" &&
                       before.last - before.first <= std::uint64_t{16} * 4096;
  return guarded && mapping.first >= v8_addresses ? split.stacks_bytes : split.malloc_bytes;
}

std::string text_of(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The first number of a file; nothing for "max" and for what cannot be read.
std::optional<std::int64_t> number_in(const std::string& path) {
  const std::string text = text_of(path);
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

struct Group {
  std::string path;
  bool v1 = false;
};

/// "4:memory:/docker/ab" or "0::/system.slice/x"; a v1 line wins where both stand.
Group memory_group(std::string_view text) {
  Group group;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', std::min(first + 1, line.size()));
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    if (names == "memory") return {std::string(line.substr(second + 1)), true};
    if (names.empty()) group.path = line.substr(second + 1);
  }
  return group;
}

/// The tightest limit on the way from the group to the mount point.
std::optional<std::int64_t> tightest(std::string directory, const std::string& mount,
                                     const std::string& file) {
  std::optional<std::int64_t> limit;
  for (;;) {
    const auto own = number_in(std::string(directory).append("/").append(file));
    if (own && *own < no_limit && (!limit || *own < *limit)) limit = own;
    if (directory.size() <= mount.size()) return limit;
    directory.resize(directory.rfind('/'));
  }
}

/// Kills in the nearest group above `directory` that counts any.
void add_parent_kills(std::string directory, const std::string& mount, MemoryLimits& limits) {
  while (directory.size() > mount.size()) {
    directory.resize(directory.rfind('/'));
    const auto kills = read_oom_kills(directory);
    if (!kills) continue;
    limits.parent_group = directory;
    limits.parent_oom_kills_count = kills;
    return;
  }
}

void add_kills(const std::string& directory, const std::string& mount, bool v1,
               MemoryLimits& limits) {
  limits.oom_kills_count = read_oom_kills(directory);
  if (v1) {
    limits.limit_hits_count = number_in(directory + "/memory.failcnt");
    return;
  }
  limits.limit_hits_count = number_after(text_of(directory + "/memory.events"), "max ");
  add_parent_kills(directory, mount, limits);
}

}  // namespace

std::optional<std::int64_t> number_after(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view rest = text.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": \t"), rest.size()));
    std::int64_t value = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec == std::errc())
      return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_oom_kills(const std::string& group) {
  for (const char* file : {"/memory.events", "/memory.oom_control"})
    if (const auto kills = number_after(text_of(group + file), "oom_kill ")) return kills;
  return std::nullopt;
}

MemorySplit parse_memory_split(std::string_view smaps) {
  MemorySplit split;
  Mapping mapping;
  Mapping before;
  while (!smaps.empty()) {
    const std::size_t end = std::min(smaps.find('\n'), smaps.size());
    const std::string_view line = smaps.substr(0, end);
    smaps.remove_prefix(std::min(end + 1, smaps.size()));
    if (line.substr(0, 4) == "Rss:") {
      const std::int64_t bytes = number_after(line, "Rss").value_or(0) * 1024;
      part_of(split, mapping, before) += bytes;
      split.rss_bytes += bytes;
    } else if (line.substr(0, 5) == "Swap:") {
      split.swapped_bytes += number_after(line, "Swap").value_or(0) * 1024;
    } else if (const auto header = parse_header(line)) {
      before = mapping;
      mapping = *header;
    }
  }
  return split;
}

MemoryLimits read_memory_limits(const Procfs& procfs, pid_t pid, const std::string& root) {
  MemoryLimits limits;
  const Group group = memory_group(procfs.read(pid, "cgroup"));
  const std::string mount = group.v1 ? root + "/memory" : root;
  std::string directory = mount + (group.path == "/" ? "" : group.path);
  // inside a container the path may be the host's: the group is then at the mount point
  if (text_of(directory + "/cgroup.procs").empty()) directory = mount;
  limits.group = directory;
  limits.group_max_bytes =
      tightest(directory, mount, group.v1 ? "memory.limit_in_bytes" : "memory.max");
  limits.group_used_bytes =
      number_in(directory + (group.v1 ? "/memory.usage_in_bytes" : "/memory.current"));
  add_kills(directory, mount, group.v1, limits);
  const std::string host = procfs.read_file("meminfo");
  const auto kib = [](std::int64_t value) { return value * 1024; };
  if (const auto total = number_after(host, "MemTotal")) limits.host_total_bytes = kib(*total);
  if (const auto free = number_after(host, "MemAvailable"))
    limits.host_available_bytes = kib(*free);
  std::vector<Gap> ignored;
  if (const auto counters = attempt(ignored, "vmstat", [&] { return procfs.read_file("vmstat"); }))
    limits.host_oom_kills_count = number_after(*counters, "oom_kill ");
  return limits;
}

}  // namespace triage::os
