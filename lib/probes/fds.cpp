#include "lib/probes/fds.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/probes/fds_analyse.h"
#include "lib/v8/inspector.h"

namespace triage::probes::fds {
namespace {

std::optional<double> used_ratio(const ProcessSample& process) {
  if (!process.open_count || process.soft_limit_count.value_or(0) <= 0) return std::nullopt;
  return static_cast<double>(*process.open_count) / static_cast<double>(*process.soft_limit_count);
}

template <class Row>
void most_first(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.count > b.count; });
}

void count_descriptors(const ProcessSample& process, Result& result) {
  std::map<std::string, std::int64_t> kinds;
  std::map<std::string, std::int64_t> paths;
  std::map<std::string, std::int64_t> deleted;
  std::int64_t highest = -1;
  for (const auto& descriptor : process.descriptors) {
    ++kinds[descriptor.kind];
    if (descriptor.kind == "deleted file") ++deleted[descriptor.link];
    if (descriptor.kind == "file" || descriptor.kind == "device") ++paths[descriptor.link];
    highest = std::max(highest, descriptor.number);
  }
  for (const auto& [kind, count] : kinds) result.by_kind.push_back({kind, count});
  for (const auto& [path, count] : paths)
    if (count > 1) result.same_file.push_back({path, count});
  for (const auto& [path, count] : deleted) result.deleted_files.push_back({path, count});
  if (process.listed) {
    result.highest_number = highest;
    result.holes_count = highest + 1 - static_cast<std::int64_t>(process.descriptors.size());
  }
  most_first(result.by_kind);
  most_first(result.same_file);
  most_first(result.deleted_files);
}

/// What is counted from the list of descriptors, or from the kernel's sockets, is unknown with it.
void spread_gaps(const ProcessSample& process, Result& result) {
  const auto spread = [&](const char* from, std::initializer_list<const char*> to) {
    for (const auto& gap : process.gaps) {
      if (gap.what != from) continue;
      for (const char* what : to)
        result.envelope.gaps.push_back({what, gap.code, gap.why, gap.remedy});
    }
  };
  spread("by_kind", {"same_file", "peers", "sockets_by_state", "listeners", "close_wait_count",
                     "deleted_files", "pipes", "epolls", "inotifies", "inherited", "holes_count",
                     "highest_number", "descriptors", "sockets"});
  spread("peers", {"sockets_by_state", "listeners", "close_wait_count", "sockets"});
  spread("open_calls", {"openers", "opens_watched_s"});
}

void add_provenance(const Sample& sample, const ProcessSample& process, Result& result) {
  const std::int64_t pid = process.pid;
  const auto add = [&](std::vector<std::string> figures, std::string source, std::string repeat) {
    result.envelope.provenance.push_back(
        {std::move(figures), std::move(source), sample.at, std::move(repeat)});
  };
  add({"/pid", "/open_count", "/by_kind", "/same_file", "/deleted_files", "/holes_count",
       "/highest_number", "/pipes", "/descriptors", "/processes", "/growth"},
      fmt::format("/proc/{}/fd", pid), fmt::format("ls -l /proc/{}/fd", pid));
  add({"/limits"}, "the figures of this document, and /proc/sys/fs/inotify",
      "head /proc/sys/fs/inotify/* /proc/sys/net/ipv4/ip_local_port_range");
  if (process.container)
    add({"/container"}, fmt::format("/proc/{}/cgroup, status and ns/uts", process.pid),
        fmt::format("cat /proc/{0}/cgroup; nsenter -t {0} -u hostname", process.pid));
  if (process.open_calls)
    add({"/openers", "/opens_watched_s"}, "the V8 inspector of the process, beside /proc/<pid>/fd",
        fmt::format("triage fds {} --who 5s --allow-inspector", process.pid));
  add({"/soft_limit_count", "/hard_limit_count", "/used_ratio"},
      fmt::format("/proc/{}/limits", pid), fmt::format("grep files /proc/{}/limits", pid));
  add({"/system_open_count", "/system_max_count", "/process_max_count", "/inotify_max_count",
       "/watches_max_count"},
      "/proc/sys/fs",
      "cd /proc/sys/fs && head file-nr file-max nr_open inotify/max_user_instances");
  add({"/epolls", "/inotifies", "/exec_checked_count", "/inherited"},
      fmt::format("/proc/{}/fdinfo", pid), fmt::format("head -n 20 /proc/{}/fdinfo/*", pid));
  add({"/close_wait_count", "/close_wait_old_count", "/sockets_by_state", "/peers", "/listeners",
       "/sockets"},
      result.network == "proc" ? fmt::format("/proc/{}/net joined by inode", pid)
                               : "NETLINK_SOCK_DIAG joined with the descriptors by inode",
      fmt::format("nsenter -t {} -n ss -tuxanpi | grep -A1 pid={},", pid, pid));
  add({"/listen_overflows_count"}, fmt::format("/proc/{}/net/netstat", pid),
      fmt::format("grep TcpExt /proc/{}/net/netstat", pid));
}

/// The fullest process; without any count the first.
const ProcessSample& fullest(const Sample& sample) {
  return *std::max_element(sample.processes.begin(), sample.processes.end(),
                           [](const ProcessSample& a, const ProcessSample& b) {
                             return used_ratio(a).value_or(0) < used_ratio(b).value_or(0);
                           });
}

void fill(const Options& options, const ProcessSample& process, Result& result) {
  result.pid = process.pid;
  result.open_count = process.open_count;
  result.soft_limit_count = process.soft_limit_count;
  result.hard_limit_count = process.hard_limit_count;
  result.used_ratio = used_ratio(process);
  result.network = process.network;
  count_descriptors(process, result);
  if (process.sockets_known) {
    count_sockets(process, result);
    most_first(result.sockets_by_state);
  }
  result.growth = growth_of(process);
  if (process.points.size() > 1 && process.listen_before && process.listen_after)
    result.listen_overflows_count =
        process.listen_after->overflows_count - process.listen_before->overflows_count;
  result.pipes = process.pipes;
  result.epolls = process.epolls;
  result.inotifies = process.inotifies;
  result.exec_checked_count = process.exec_checked_count;
  result.inherited = process.inherited;
  result.container = process.container;
  result.limits = limits_of(process, result);
  result.openers = openers_of(process);
  if (process.open_calls) result.opens_watched_s = process.open_calls->watched_s;
  if (!options.list) return;
  result.descriptors = process.descriptors;
  result.sockets = process.sockets;
}

}  // namespace

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
      {"all", "every Node.js process; the details are of the fullest", "", {}, false, false, 0},
      options.all);
  visitor.visit({"duration", "watch the growth for so long", "DURATION", {}, false, false, 0},
                options.duration);
  visitor.visit(
      {"owners", "look into all processes for who holds the other ends", "", {}, false, false, 0},
      options.owners);
  visitor.visit({"resolve", "ask the resolver for the names of the peers", "", {}, false, false, 0},
                options.resolve);
  visitor.visit({"who",
                 "note for so long which JavaScript opens descriptors (needs --allow-inspector)",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.who);
  visitor.visit(
      {"allow-inspector", std::string(v8::inspector_consent_help), "", {}, false, false, 0},
      options.allow_inspector);
  visitor.visit({"list",
                 "list every descriptor and socket, and read the flags of all",
                 "",
                 {},
                 false,
                 false,
                 0},
                options.list);
  visitor.visit({"top", "rows of the longer tables", "N", {}, false, false, 0}, options.top);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.system_open_count = sample.system_open_count;
  result.system_max_count = sample.system_max_count;
  result.process_max_count = sample.process_max_count;
  result.inotify_max_count = sample.inotify_max_count;
  result.watches_max_count = sample.watches_max_count;
  for (const auto& process : sample.processes)
    result.processes.push_back({process.pid, process.process, process.open_count,
                                process.soft_limit_count, used_ratio(process)});
  std::stable_sort(result.processes.begin(), result.processes.end(),
                   [](const ProcessRow& a, const ProcessRow& b) {
                     return a.used_ratio.value_or(0) > b.used_ratio.value_or(0);
                   });
  if (sample.processes.empty()) {
    result.envelope.gaps = sample.gaps;
    result.envelope.find("no_process", Severity::unknown, "no process was looked at");
    return result;
  }
  const ProcessSample& process = fullest(sample);
  if (sample.processes.size() > 1)
    result.envelope.target = fmt::format("{}, fullest: {}", sample.target, process.process);
  result.envelope.gaps = process.gaps;
  result.envelope.gaps.insert(result.envelope.gaps.end(), sample.gaps.begin(), sample.gaps.end());
  fill(options, process, result);
  spread_gaps(process, result);
  judge(process, result);
  add_provenance(sample, process, result);
  return result;
}

}  // namespace triage::probes::fds
