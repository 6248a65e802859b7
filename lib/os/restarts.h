#pragma once

/// How often a process was started again, as far as it can be known from outside of its supervisor.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/os/procfs.h"

namespace triage::os {

struct Restarts {
  std::optional<std::int64_t> count;  ///< by who counts them; nothing when nobody here does
  std::string source;                 ///< "pm2: restart_time in its environment"
  std::string repeat;                 ///< shell line that shows it; empty without a count
  std::string supervisor;             ///< the parent: "812 PM2 v5.3.0: God Daemon"
  std::optional<double> supervisor_age_s;
  /// Processes with the same command line and parent: cluster workers.
  std::int64_t siblings_count = 0;
  std::optional<double> oldest_sibling_age_s;
};

/// Seconds since the process started, by /proc/uptime; nothing when it cannot be read.
std::optional<double> age_of(const Procfs& procfs, const ProcessIdentity& id);

/// pm2 hands its count to the process as restart_time; systemd keeps NRestarts of the unit in whose
/// control group the process is (asked with `systemctl show`, at most 2 s). Throws Error when the
/// process is gone.
Restarts read_restarts(const Procfs& procfs, const ProcessInfo& process);

/// The value of a variable in the NUL-separated text of /proc/<pid>/environ.
std::optional<std::string> variable_in(std::string_view environ_text, std::string_view name);
/// "orders.service" of a text of /proc/<pid>/cgroup; empty when it is in no service.
std::string service_of(std::string_view cgroup_text);

}  // namespace triage::os
