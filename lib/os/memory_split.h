#pragma once

/// What the resident memory of a Node.js process consists of, and the limits around it.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/os/procfs.h"

namespace triage::os {

/// Resident bytes by kind of mapping.
struct MemorySplit {
  std::int64_t v8_heap_bytes = 0;  ///< pages of V8's heap
  std::int64_t malloc_bytes = 0;   ///< [heap] and other anonymous memory: native code, Buffers
  std::int64_t stacks_bytes = 0;   ///< of the main thread and the other threads
  std::int64_t files_bytes = 0;    ///< mapped files: programs, libraries
  std::int64_t rss_bytes = 0;      ///< all of them
  std::int64_t swapped_bytes = 0;  ///< not resident: in swap
};

/// Of the text of /proc/<pid>/smaps (proc(5)). V8 asks for its pages at random addresses below
/// 2^46, on multiples of 256 KiB (V8's OS::GetRandomMmapAddr and MemoryChunk alignment), where
/// neither the kernel nor glibc puts anything of their own. A thread's stack is the anonymous
/// mapping right behind a guard page.
MemorySplit parse_memory_split(std::string_view smaps);

/// What bounds the memory of a process besides V8. Unknown members could not be read.
struct MemoryLimits {
  std::string group;                            ///< directory of the control group
  std::optional<std::int64_t> group_max_bytes;  ///< tightest limit of it and its parents
  std::optional<std::int64_t> group_used_bytes;
  std::optional<std::int64_t> oom_kills_count;  ///< in the group since it exists
  /// How often the group was at its limit: v2 "max" of memory.events, v1 memory.failcnt.
  std::optional<std::int64_t> limit_hits_count;
  /// The nearest group above that counts kills, those of its ended children included: what is left
  /// of a container that was killed and started again. Empty where there is none (always so in v1,
  /// which counts for each group alone).
  std::string parent_group;
  std::optional<std::int64_t> parent_oom_kills_count;
  std::optional<std::int64_t> host_oom_kills_count;  ///< since boot, of any group (/proc/vmstat)
  std::optional<std::int64_t> host_total_bytes;
  std::optional<std::int64_t> host_available_bytes;
};
/// cgroup v2: memory.max, memory.current, memory.events; v1: memory.limit_in_bytes,
/// memory.usage_in_bytes, memory.oom_control (which counts kills since Linux 4.13),
/// memory.failcnt. `root`: where control groups are mounted.
MemoryLimits read_memory_limits(const Procfs& procfs, pid_t pid,
                                const std::string& root = "/sys/fs/cgroup");

/// Kills counted in a control group's directory; nothing when it is gone or does not count.
std::optional<std::int64_t> read_oom_kills(const std::string& group);

/// The number behind "key " or "key:" at the start of a line.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view key);

}  // namespace triage::os
