#include "lib/os/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace triage::os {
namespace {

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

std::vector<std::string> places_of(pid_t pid) {
  std::ifstream stream(fmt::format("/proc/{}/cgroup", pid));
  std::stringstream text;
  text << stream.rdbuf();
  const auto group = parse_cpu_group(text.str());
  if (!group) return {};
  // inside a container the path may be the host's: the group's own mount point is tried last
  if (group->controllers.empty())
    return {"/sys/fs/cgroup" + group->path, "/sys/fs/cgroup/unified" + group->path,
            "/sys/fs/cgroup"};
  return {"/sys/fs/cgroup/" + group->controllers + group->path, "/sys/fs/cgroup/cpu" + group->path,
          "/sys/fs/cgroup/cpu"};
}

}  // namespace

std::optional<CpuGroup> parse_cpu_group(std::string_view text) {
  std::optional<CpuGroup> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (names_cpu(controllers)) return CpuGroup{path, std::string(controllers)};
    if (controllers.empty() && line.substr(0, first) == "0") found = CpuGroup{path, {}};
  }
  return found;
}

std::optional<std::int64_t> parse_throttled_ns(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 2> keys{
      {{"throttled_usec ", 1000}, {"throttled_time ", 1}}};
  for (const auto& [key, factor] : keys) {
    const std::size_t at = text.find(key);
    if (at == std::string_view::npos) continue;
    std::int64_t value = 0;
    const char* start = text.data() + at + key.size();
    if (std::from_chars(start, text.data() + text.size(), value).ec == std::errc())
      return value * factor;
  }
  return std::nullopt;
}

CpuThrottle::CpuThrottle(pid_t pid) {
  for (const auto& place : places_of(pid)) {
    path_ = place + "/cpu.stat";
    file_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file_ && throttled_ns()) return;
  }
  file_.reset();
}

std::optional<std::int64_t> CpuThrottle::throttled_ns() const {
  if (!file_) return std::nullopt;
  std::array<char, 4096> buffer{};
  const ssize_t size = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return std::nullopt;
  return parse_throttled_ns({buffer.data(), static_cast<std::size_t>(size)});
}

}  // namespace triage::os
