#include "lib/os/restarts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/base/gap.h"
#include "lib/os/child_program.h"
#include "lib/os/memory_split.h"
#include "lib/os/target.h"

namespace triage::os {
namespace {

constexpr auto ask_limit = std::chrono::seconds(2);

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && at == end && value >= 0 ? std::optional(value) : std::nullopt;
}

/// What a program that only reads writes to stdout; empty when it fails.
std::string output_of(const std::vector<std::string>& arguments) {
  const Fd file(::memfd_create("triage-output", MFD_CLOEXEC));
  if (!file) return {};
  const ProgramResult result = run_program(arguments, file.get(), ask_limit);
  if (result.end != ProgramResult::End::finished || result.status != 0) return {};
  std::array<char, 4096> text{};
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

void ask_supervisor(const Procfs& procfs, pid_t pid, Restarts& restarts) {
  std::vector<Gap> ignored;
  const auto environ_text = attempt(ignored, "environ", [&] {
                              return procfs.read(pid, "environ");
                            }).value_or(std::string());
  if (variable_in(environ_text, "pm_id")) {
    if (const auto text = variable_in(environ_text, "restart_time")) {
      restarts.count = number_of(*text);
      restarts.source = "pm2: restart_time in the environment of the process";
      restarts.repeat = fmt::format("tr '\\0' '\\n' < /proc/{}/environ | grep ^restart_time", pid);
    }
    return;
  }
  const auto groups = attempt(ignored, "cgroup", [&] { return procfs.read(pid, "cgroup"); });
  const std::string service = groups ? service_of(*groups) : std::string();
  if (service.empty()) return;
  const std::string answer =
      output_of({"systemctl", "show", "--property=NRestarts", "--", service});
  restarts.count = number_after(answer, "NRestarts=");
  if (!restarts.count) return;
  restarts.source = fmt::format("systemd: NRestarts of {}", service);
  restarts.repeat = fmt::format("systemctl show --property=NRestarts {}", service);
}

void add_siblings(const Procfs& procfs, const ProcessInfo& process, Restarts& restarts) {
  if (process.parent <= 1 || process.arguments.empty()) return;
  for (const pid_t pid : procfs.pids()) {
    if (pid == process.id.pid) continue;
    std::vector<Gap> ignored;
    const auto other = attempt(ignored, "sibling", [&] { return procfs.process(pid); });
    if (!other || other->parent != process.parent || other->arguments != process.arguments)
      continue;
    ++restarts.siblings_count;
    const auto age = age_of(procfs, other->id);
    if (age && age > restarts.oldest_sibling_age_s) restarts.oldest_sibling_age_s = age;
  }
}

}  // namespace

std::optional<double> age_of(const Procfs& procfs, const ProcessIdentity& id) {
  std::vector<Gap> ignored;
  const auto text = attempt(ignored, "uptime", [&] { return procfs.read_file("uptime"); });
  double uptime = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), uptime).ec != std::errc())
    return std::nullopt;
  return uptime - static_cast<double>(id.start_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<std::string> variable_in(std::string_view environ_text, std::string_view name) {
  while (!environ_text.empty()) {
    const std::size_t end = std::min(environ_text.find('\0'), environ_text.size());
    const std::string_view line = environ_text.substr(0, end);
    environ_text.remove_prefix(std::min(end + 1, environ_text.size()));
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
      return std::string(line.substr(name.size() + 1));
  }
  return std::nullopt;
}

std::string service_of(std::string_view cgroup_text) {
  constexpr std::string_view ending = ".service";
  while (!cgroup_text.empty()) {
    const std::size_t end = std::min(cgroup_text.find('\n'), cgroup_text.size());
    std::string_view path = cgroup_text.substr(0, end);
    cgroup_text.remove_prefix(std::min(end + 1, cgroup_text.size()));
    // the innermost part that is a service: "/system.slice/orders.service/workers"
    while (!path.empty()) {
      const std::size_t slash = path.rfind('/');
      if (slash == std::string_view::npos) break;
      const std::string_view part = path.substr(slash + 1);
      if (part.size() > ending.size() && part.ends_with(ending)) return std::string(part);
      path = path.substr(0, slash);
    }
  }
  return {};
}

Restarts read_restarts(const Procfs& procfs, const ProcessInfo& process) {
  procfs.check_same(process.id);
  Restarts restarts;
  ask_supervisor(procfs, process.id.pid, restarts);
  add_siblings(procfs, process, restarts);
  std::vector<Gap> ignored;
  if (const auto parent =
          attempt(ignored, "parent", [&] { return procfs.process(process.parent); })) {
    restarts.supervisor = describe_process(*parent);
    restarts.supervisor_age_s = age_of(procfs, parent->id);
  }
  return restarts;
}

}  // namespace triage::os
