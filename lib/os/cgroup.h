#pragma once

/// How long the CPU quota of a process's control group kept it from running.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/os/fd.h"

namespace triage::os {

/// cpu.stat of the control group that limits the process (cgroup v2 "throttled_usec", v1
/// "throttled_time" in ns). The file stays open and is read again.
class CpuThrottle {
 public:
  explicit CpuThrottle(pid_t pid);
  /// Throttled time since the group exists, summed over its run queues; nothing when unknown.
  [[nodiscard]] std::optional<std::int64_t> throttled_ns() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Fd file_;
  std::string path_;
};

/// Of a cpu.stat text.
std::optional<std::int64_t> parse_throttled_ns(std::string_view text);

/// "9:cpu,cpuacct:/docker/ab" or "0::/system.slice/x": the path of the cpu controller and whether
/// it is cgroup v1; the v1 line wins where both stand.
struct CpuGroup {
  std::string path;
  std::string controllers;  ///< "cpu,cpuacct"; empty: cgroup v2
};
std::optional<CpuGroup> parse_cpu_group(std::string_view text);

}  // namespace triage::os
