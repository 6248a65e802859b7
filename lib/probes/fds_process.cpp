#include "lib/probes/fds_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/session.h"
#include "lib/os/container.h"
#include "lib/os/descriptor_holders.h"
#include "lib/os/descriptor_info.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/lines.h"
#include "lib/os/target.h"
#include "lib/probes/fds_network.h"

namespace triage::probes::fds {
namespace {

void read_epolls(const os::Procfs& procfs, pid_t pid, ProcessSample& sample) {
  // Three calls each: a service has a few; what leaks them is told by their number.
  constexpr std::size_t most = 16;
  std::unordered_map<std::int64_t, const std::string*> kind_of;
  for (const auto& descriptor : sample.descriptors) kind_of[descriptor.number] = &descriptor.kind;
  for (const auto& descriptor : sample.descriptors) {
    const bool epoll = descriptor.kind == "epoll";
    if (!epoll && descriptor.kind != "inotify") continue;
    if ((epoll ? sample.epolls.size() : sample.inotifies.size()) >= most) continue;
    const auto info = os::read_descriptor_info(procfs, pid, static_cast<int>(descriptor.number));
    if (!info) continue;
    if (!epoll) {
      sample.inotifies.push_back({descriptor.number, info->inotify_watches});
      continue;
    }
    EpollSample watched{descriptor.number, {}, info->truncated};
    for (const int number : info->watched) {
      const auto kind = kind_of.find(number);
      ++watched.kinds[kind == kind_of.end() ? "closed" : *kind->second];
    }
    sample.epolls.push_back(std::move(watched));
  }
}

/// Flags cost three calls per descriptor: of a large table every k-th is read, unless all are asked
/// for.
void check_inheritance(const os::Procfs& procfs, bool all, ProcessSample& sample) {
  constexpr std::size_t few = 4;
  const std::size_t wanted =
      all ? sample.descriptors.size() : std::max(few, sample.descriptors.size() / 256);
  const std::size_t step =
      std::max<std::size_t>(sample.descriptors.size() / std::max<std::size_t>(wanted, 1), 1);
  for (std::size_t i = 0; i < sample.descriptors.size(); i += step) {
    const std::int64_t number = sample.descriptors[i].number;
    if (number <= 2) continue;  // standard streams are meant to be inherited
    const auto info =
        os::read_descriptor_info(procfs, static_cast<pid_t>(sample.pid), static_cast<int>(number));
    if (!info || !info->flags) continue;
    ++sample.exec_checked_count;
    if (!info->close_on_exec()) sample.inherited.push_back(number);
  }
}

std::string socket_link(std::int64_t inode) {
  return fmt::format("socket:[{}]", inode);
}

/// Who holds the other ends of pipes and of unix sockets without a name: parent and children, or
/// all processes.
void find_other_ends(const os::Procfs& procfs, const os::ProcessInfo& process, bool owners,
                     ProcessSample& sample) {
  std::map<std::string, std::int64_t> pipes;
  std::unordered_set<std::string> links;
  for (const auto& descriptor : sample.descriptors)
    if (descriptor.kind == "pipe") ++pipes[descriptor.link];
  for (const auto& [link, count] : pipes) links.insert(link);
  for (const auto& socket : sample.sockets)
    if (socket.peer_inode != 0 && socket.peer_path.empty() && socket.path.empty())
      links.insert(socket_link(socket.peer_inode));
  if (links.empty()) return;
  std::vector<pid_t> candidates = owners ? procfs.pids() : os::children_of(procfs, process.id.pid);
  if (!owners) candidates.push_back(process.parent);
  const auto holders = os::find_holders(procfs, links, candidates);
  std::vector<Gap> ended;
  const auto infos_of = [&](const std::string& link) {
    std::vector<os::ProcessInfo> infos;
    const auto found = holders.pids_of_link.find(link);
    if (found == holders.pids_of_link.end()) return infos;
    for (const pid_t pid : found->second) {
      if (pid == process.id.pid || pid == ::getpid()) continue;
      if (auto info = attempt(ended, "holder", [&] { return procfs.process(pid); }))
        infos.push_back(std::move(*info));
    }
    return infos;
  };
  for (const auto& [link, count] : pipes) {
    PipeSample pipe{link, count, {}};
    for (const auto& info : infos_of(link)) pipe.holders.push_back(os::describe_process(info));
    sample.pipes.push_back(std::move(pipe));
  }
  for (auto& socket : sample.sockets) {
    if (socket.peer_inode == 0) continue;
    const auto infos = infos_of(socket_link(socket.peer_inode));
    if (infos.empty()) continue;
    socket.owner = os::describe_process(infos.front());
    socket.owner_name = infos.front().name;
  }
}

/// "Max open files            1024                 524288               files"; "unlimited" is no
/// number: there is no limit to run into.
std::optional<std::int64_t> limit_of(const std::string& limits, std::size_t column) {
  std::optional<std::int64_t> limit;
  os::each_line(limits, [&](std::string_view line) {
    const auto words = os::words_of(line);
    constexpr std::size_t label_words = 3;
    if (line.rfind("Max open files", 0) != 0 || words.size() <= label_words + column) return;
    const std::string_view word = words[label_words + column];
    std::int64_t value = 0;
    if (std::from_chars(word.data(), word.data() + word.size(), value).ec == std::errc())
      limit = value;
  });
  return limit;
}

/// /proc/<pid>/net/netstat: a line of names, "TcpExt: SyncookiesSent ...", and one of values.
std::optional<ListenCounters> listen_counters(const os::Procfs& procfs, pid_t pid) {
  std::vector<Gap> none;
  const auto text = attempt(none, "netstat", [&] { return procfs.read(pid, "net/netstat"); });
  if (!text) return std::nullopt;
  std::vector<std::string_view> names;
  std::optional<ListenCounters> counters;
  os::each_line(*text, [&](std::string_view line) {
    if (line.rfind("TcpExt:", 0) != 0) return;
    const auto words = os::words_of(line);
    if (names.empty()) {
      names = words;
      return;
    }
    counters.emplace();
    for (std::size_t i = 0; i < std::min(names.size(), words.size()); ++i) {
      std::int64_t value = 0;
      std::from_chars(words[i].data(), words[i].data() + words[i].size(), value);
      if (names[i] == "ListenOverflows") counters->overflows_count = value;
      if (names[i] == "ListenDrops") counters->drops_count = value;
    }
  });
  return counters;
}

void read_listed(const os::Procfs& procfs, const os::ProcessInfo& process, const Depth& depth,
                 const std::vector<os::Descriptor>& descriptors, ProcessSample& sample) {
  sample.descriptors.reserve(descriptors.size());
  for (const auto& descriptor : descriptors)
    sample.descriptors.push_back(
        {descriptor.number, os::kind_of_link(descriptor.link), descriptor.link});
  sample.listed = true;
  sample.open_count = static_cast<std::int64_t>(descriptors.size());
  read_sockets(procfs, sample);
  read_epolls(procfs, process.id.pid, sample);
  check_inheritance(procfs, depth.flags, sample);
  find_other_ends(procfs, process, depth.owners, sample);
  if (depth.owners)
    attempt(sample.gaps, "owners", [&] {
      find_peer_owners(procfs, sample);
      return true;
    });
  sample.owners_looked_up = depth.owners;
}

}  // namespace

ProcessSample read_process(const os::Procfs& procfs, const os::ProcessInfo& process,
                           const Depth& depth, Session& session) {
  const pid_t pid = process.id.pid;
  ProcessSample sample;
  sample.process = os::describe_process(process);
  sample.pid = pid;
  const auto descriptors =
      attempt(sample.gaps, "by_kind", [&] { return os::read_descriptors(procfs, process.id); });
  if (!descriptors) sample.open_count = os::count_descriptors(procfs, pid);
  if (descriptors) {
    read_listed(procfs, process, depth, *descriptors, sample);
    session.touch({"kernel socket list", "sock_diag: tcp, udp, unix", 1, 0});
  }
  if (const auto limits =
          attempt(sample.gaps, "soft_limit_count", [&] { return procfs.read(pid, "limits"); })) {
    sample.soft_limit_count = limit_of(*limits, 0);
    sample.hard_limit_count = limit_of(*limits, 1);
  }
  const bool listens = std::any_of(sample.sockets.begin(), sample.sockets.end(),
                                   [](const SocketSample& s) { return s.state == "LISTEN"; });
  if (listens) sample.listen_before = sample.listen_after = listen_counters(procfs, pid);
  if (const auto container = os::container_of(procfs, pid))
    sample.container = {container->runtime, container->id, container->pod, container->host_name,
                        container->inner_pid};
  if (depth.owners) session.touch({"/proc/*/fd", "all processes, links only", 1, 0});
  session.touch({fmt::format("/proc/{}", pid), "stat, cmdline, fd, fdinfo, limits, net", 1, 0});
  return sample;
}

}  // namespace triage::probes::fds
