#include "lib/os/tracefs.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "lib/base/error.h"
#include "lib/os/child_process.h"

namespace triage::os {
namespace {

constexpr std::array<const char*, 2> usual_places{"/sys/kernel/tracing",
                                                  "/sys/kernel/debug/tracing"};

std::map<std::string, int> read_ids(const std::string& root,
                                    const std::vector<std::string>& names) {
  std::map<std::string, int> ids;
  for (const auto& name : names) {
    std::ifstream stream(fmt::format("{}/events/{}/id", root, name));
    int id = 0;
    if (stream >> id) ids.emplace(name, id);
  }
  return ids;
}

/// "name 1067\n" per tracepoint, from a child with its own mounts.
std::map<std::string, int> read_ids_privately(const std::vector<std::string>& names) {
  const auto child = run_bounded({}, [&](const Emit& emit) {
    if (::unshare(CLONE_NEWNS) != 0) return;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    const char* place = usual_places.front();
    if (::mount("nodev", place, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) return;
    for (const auto& [name, id] : read_ids(place, names)) emit(fmt::format("{} {}\n", name, id));
  });
  std::map<std::string, int> ids;
  std::string_view rest = child.output;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const std::size_t blank = line.find(' ');
    int id = 0;
    if (blank != std::string_view::npos &&
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), id).ec == std::errc())
      ids.emplace(line.substr(0, blank), id);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return ids;
}

}  // namespace

TracepointIds find_tracepoints(const std::vector<std::string>& names) {
  for (const char* place : usual_places)
    if (auto ids = read_ids(place, names); !ids.empty()) return {std::move(ids), place};
  if (auto ids = read_ids_privately(names); !ids.empty())
    return {std::move(ids), "tracefs, mounted for a child process only"};
  if (::geteuid() != 0)
    throw Error(ErrorCode::refused, "the kernel's tracepoints are not readable for this user",
                "run with sudo, or grant CAP_PERFMON and make tracefs readable");
  throw Error(ErrorCode::refused, "the kernel's tracepoints cannot be reached (no tracefs)",
              "mount it: mount -t tracefs nodev /sys/kernel/tracing; in a container add "
              "CAP_SYS_ADMIN or bind the host's /sys/kernel/tracing");
}

}  // namespace triage::os
