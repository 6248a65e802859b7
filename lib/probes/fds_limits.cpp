#include <algorithm>

#include "lib/probes/fds_analyse.h"

namespace triage::probes::fds {
namespace {

Limit limit_row(std::string name, std::optional<std::int64_t> used, std::optional<std::int64_t> max,
                std::string failure) {
  Limit limit{std::move(name), used, max, std::nullopt, std::move(failure)};
  if (used && max && *max > 0)
    limit.used_ratio = static_cast<double>(*used) / static_cast<double>(*max);
  return limit;
}

/// The destination towards which most local ports are in use.
std::optional<Limit> ports_row(const ProcessSample& process) {
  const auto most =
      std::max_element(process.destinations.begin(), process.destinations.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == process.destinations.end() || !process.local_ports_count) return std::nullopt;
  return limit_row("ports to " + most->first, most->second, process.local_ports_count,
                   "EADDRNOTAVAIL on connect");
}

}  // namespace

// Those of inotify hold for all processes of the user; of control groups no controller counts
// descriptors: pids.max counts threads, and the buffers of sockets count as memory.
std::vector<Limit> limits_of(const ProcessSample& process, const Result& result) {
  std::vector<Limit> limits;
  limits.push_back(
      limit_row("soft RLIMIT_NOFILE", result.open_count, result.soft_limit_count, "EMFILE"));
  limits.push_back(limit_row("hard RLIMIT_NOFILE", result.open_count, result.hard_limit_count,
                             "cap of the soft limit"));
  limits.push_back(limit_row("fs.nr_open", result.open_count, result.process_max_count,
                             "cap of the hard limit"));
  limits.push_back(limit_row("fs.file-max", result.system_open_count, result.system_max_count,
                             "ENFILE, the whole host"));
  if (!process.inotifies.empty()) {
    std::int64_t watches = 0;
    for (const auto& inotify : process.inotifies) watches += inotify.watches_count;
    std::int64_t instances = 0;
    for (const auto& kind : result.by_kind)
      if (kind.kind == "inotify") instances = kind.count;
    limits.push_back(limit_row("inotify max_user_instances", instances, result.inotify_max_count,
                               "EMFILE on fs.watch"));
    limits.push_back(limit_row("inotify max_user_watches", watches, result.watches_max_count,
                               "ENOSPC on fs.watch"));
  }
  if (auto ports = ports_row(process)) limits.push_back(std::move(*ports));
  limits.push_back(limit_row("control group", std::nullopt, std::nullopt, "counts no descriptors"));
  std::stable_sort(limits.begin(), limits.end(), [](const Limit& a, const Limit& b) {
    return a.used_ratio.value_or(-1) > b.used_ratio.value_or(-1);
  });
  return limits;
}

}  // namespace triage::probes::fds
