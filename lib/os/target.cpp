#include "lib/os/target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "lib/base/error.h"
#include "lib/base/gap.h"
#include "lib/os/socket_owner.h"

namespace triage::os {
namespace {

constexpr std::string_view selector_help = "use a pid, pid:4127, name:server.js or port:3000";

template <class Number>
Number number_of(std::string_view text, const std::string& selector) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0)
    throw Error(ErrorCode::usage, fmt::format("'{}' is not a target", selector),
                std::string(selector_help));
  return value;
}

std::string command_line(const ProcessInfo& process) {
  if (process.arguments.empty()) return process.name;
  return fmt::format("{}", fmt::join(process.arguments, " "));
}

/// The process and its parents: the shell line that holds the selector is never the target.
std::set<pid_t> own_line(const Procfs& procfs) {
  std::set<pid_t> line;
  pid_t pid = ::getpid();
  while (pid > 1 && line.insert(pid).second) pid = procfs.process(pid).parent;
  return line;
}

std::vector<ProcessInfo> by_pid(const Procfs& procfs, std::string_view value,
                                const std::string& selector) {
  return {procfs.process(number_of<pid_t>(value, selector))};
}

std::vector<ProcessInfo> by_name(const Procfs& procfs, std::string_view value,
                                 const std::string& selector) {
  if (value.empty())
    throw Error(ErrorCode::usage, fmt::format("'{}' names nothing", selector),
                std::string(selector_help));
  std::set<pid_t> own;
  if (procfs.root() == "/proc") own = own_line(procfs);
  std::vector<ProcessInfo> found;
  std::vector<Gap> vanished;  // a process that ends while we look is no candidate
  for (const pid_t pid : procfs.pids()) {
    if (own.contains(pid)) continue;
    const auto process = attempt(vanished, "process", [&] { return procfs.process(pid); });
    if (process && process->state != 'Z' && command_line(*process).find(value) != std::string::npos)
      found.push_back(*process);
  }
  return found;
}

std::vector<ProcessInfo> by_port(const Procfs& procfs, std::string_view value,
                                 const std::string& selector) {
  std::vector<ProcessInfo> found;
  for (const pid_t pid : listeners_of(procfs, number_of<std::uint16_t>(value, selector)))
    found.push_back(procfs.process(pid));
  return found;
}

using Finder = std::vector<ProcessInfo> (*)(const Procfs&, std::string_view, const std::string&);

constexpr std::array<std::pair<std::string_view, Finder>, 3> kinds{{
    {"pid", by_pid},
    {"name", by_name},
    {"port", by_port},
}};

[[noreturn]] void ambiguous(const std::string& selector, const std::vector<ProcessInfo>& found) {
  std::string list;
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < std::min(found.size(), shown); ++i)
    list += fmt::format("{}{} {}", i == 0 ? "" : ", ", found[i].id.pid,
                        command_line(found[i]).substr(0, 60));
  if (found.size() > shown) list += fmt::format(" and {} more", found.size() - shown);
  throw Error(ErrorCode::not_found,
              fmt::format("'{}' matches {} processes: {}", selector, found.size(), list),
              "name one by its pid");
}

}  // namespace

ProcessInfo find_target(const Procfs& procfs, const std::string& selector) {
  const std::size_t colon = selector.find(':');
  const std::string kind = colon == std::string::npos ? "pid" : selector.substr(0, colon);
  const std::string value = colon == std::string::npos ? selector : selector.substr(colon + 1);
  for (const auto& [name, finder] : kinds) {
    if (name != kind) continue;
    const auto found = finder(procfs, value, selector);
    if (found.empty())
      throw Error(ErrorCode::not_found, fmt::format("no process matches '{}'", selector),
                  "list Node.js processes with: pgrep -a node");
    if (found.size() > 1) ambiguous(selector, found);
    if (found.front().state == 'Z')
      throw Error(ErrorCode::not_found,
                  fmt::format("process {} has ended (a zombie)", found.front().id.pid),
                  "its parent has not collected it; name a running process");
    return found.front();
  }
  throw Error(ErrorCode::usage, fmt::format("'{}' is not a kind of target", kind),
              std::string(selector_help));
}

std::string describe_process(const ProcessInfo& process) {
  std::string line = command_line(process);
  if (line.size() > 60) line = line.substr(0, 57) + "...";
  return fmt::format("pid {} ({})", process.id.pid, line);
}

}  // namespace triage::os
