#include "lib/os/container.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "lib/base/gap.h"
#include "lib/os/fd.h"
#include "lib/os/inspector_signal.h"
#include "lib/os/lines.h"

namespace triage::os {
namespace {

constexpr std::size_t id_digits = 64;
constexpr std::size_t shown_digits = 12;

bool is_id(std::string_view text) {
  return text.size() == id_digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view between(std::string_view text, std::string_view start, std::string_view end) {
  if (text.size() < start.size() + end.size() || text.substr(0, start.size()) != start ||
      text.substr(text.size() - end.size()) != end)
    return {};
  return text.substr(start.size(), text.size() - start.size() - end.size());
}

/// One part of the path of a control group, and the one before it.
std::optional<Container> container_in(std::string_view part, std::string_view parent) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> scopes{
      {{"docker-", "docker"},
       {"cri-containerd-", "containerd"},
       {"crio-", "cri-o"},
       {"libpod-", "podman"}}};
  for (const auto& [prefix, runtime] : scopes)
    if (const auto id = between(part, prefix, ".scope"); is_id(id))
      return Container{std::string(runtime), std::string(id.substr(0, shown_digits)), {}, {}, 0};
  if (is_id(part))
    return Container{parent == "docker" ? "docker" : "containerd",
                     std::string(part.substr(0, shown_digits)),
                     {},
                     {},
                     0};
  if (const auto name = between(part, "lxc.payload.", ""); !name.empty())
    return Container{"lxc", std::string(name), {}, {}, 0};
  if (parent == "lxc" && !part.empty()) return Container{"lxc", std::string(part), {}, {}, 0};
  if (const auto name = between(part, "machine-", ".scope"); !name.empty())
    return Container{"nspawn", std::string(name), {}, {}, 0};
  return std::nullopt;
}

/// "kubepods-besteffort-pod0a1b_2c.slice", "pod0a1b-2c" -> the uid; else empty.
std::string pod_in(std::string_view part) {
  const std::size_t at = part.rfind("pod");
  if (at == std::string_view::npos || (at > 0 && part[at - 1] != '-')) return {};
  std::string uid(part.substr(at + 3, part.find(".slice") == std::string_view::npos
                                          ? std::string_view::npos
                                          : part.find(".slice") - at - 3));
  std::replace(uid.begin(), uid.end(), '_', '-');
  return uid;
}

/// gethostname(2) in the UTS namespace of the process; empty when that may not be joined.
std::string host_name_in(const Procfs& procfs, pid_t pid) {
  const Fd target(
      ::open(fmt::format("{}/{}/ns/uts", procfs.root(), pid).c_str(), O_RDONLY | O_CLOEXEC));
  std::string name;
  if (!target) return name;
  std::thread visitor([&] {
    std::array<char, 256> text{};
    if (::setns(target.get(), CLONE_NEWUTS) == 0 &&
        ::gethostname(text.data(), text.size() - 1) == 0)
      name = text.data();
  });
  visitor.join();
  return name;
}

}  // namespace

std::optional<Container> parse_container(std::string_view cgroup) {
  std::optional<Container> found;
  each_line(cgroup, [&](std::string_view line) {
    if (found) return;
    const std::size_t path_at = line.find('/');
    if (path_at == std::string_view::npos) return;
    std::string_view path = line.substr(path_at);
    std::string_view parent;
    std::string pod;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      const std::string_view part = path.substr(0, slash);
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (part.empty()) continue;
      if (auto uid = pod_in(part); !uid.empty()) pod = std::move(uid);
      if (auto container = container_in(part, parent)) found = std::move(container);
      parent = part;
    }
    if (found) found->pod = std::move(pod);
  });
  return found;
}

std::optional<Container> container_of(const Procfs& procfs, pid_t pid) {
  std::vector<Gap> unreadable;
  const auto text = attempt(unreadable, "container", [&] { return procfs.read(pid, "cgroup"); });
  auto container = text ? parse_container(*text) : std::nullopt;
  if (!container) return container;
  if (const auto status = attempt(unreadable, "pid", [&] { return procfs.read(pid, "status"); }))
    container->inner_pid = innermost_pid(*status, pid);
  container->host_name = host_name_in(procfs, pid);
  return container;
}

}  // namespace triage::os
