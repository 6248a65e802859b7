#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// Which processes hold a descriptor that links to "pipe:[4711]" or "socket:[815]". Processes that
/// may not be looked into are skipped and counted.
struct DescriptorHolders {
  std::map<std::string, std::set<pid_t>> pids_of_link;
  std::int64_t unreadable_count = 0;
};

/// Reads the links of all descriptors of `candidates`. Throws nothing for processes that end
/// meanwhile.
DescriptorHolders find_holders(const Procfs& procfs, const std::unordered_set<std::string>& links,
                               const std::vector<pid_t>& candidates);

/// The processes that `pid` started and that still run (/proc/<pid>/task/<tid>/children, proc(5)).
std::vector<pid_t> children_of(const Procfs& procfs, pid_t pid);

}  // namespace triage::os
