#include "lib/os/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "lib/base/error.h"

namespace triage::os {
namespace {

/// The error of a failed look at a process, in words.
[[noreturn]] void fail(int error, pid_t pid, const std::string& file) {
  if (error == ENOENT || error == ESRCH)
    throw Error(ErrorCode::not_found, fmt::format("there is no process {}", pid),
                "list Node.js processes with: pgrep -a node");
  if (error == EACCES || error == EPERM)
    throw Error(ErrorCode::refused, fmt::format("/proc/{}/{} belongs to another user", pid, file),
                "run the same command with sudo");
  throw Error(ErrorCode::internal, fmt::format("/proc/{}/{}: {}", pid, file, std::strerror(error)));
}

std::string read_all(int fd, pid_t pid, const std::string& file) {
  std::string text;
  std::array<char, 16384> block{};
  for (;;) {
    const ssize_t count = ::read(fd, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno, pid, file);
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
    // A short first piece is the whole file: seq_file fills a page before it gives less than asked
    // for, unless one record alone is longer than what is left of the page (fs/seq_file.c).
    constexpr ssize_t surely_whole = 1024;
    if (count < surely_whole && text.size() == static_cast<std::size_t>(count)) return text;
  }
}

std::string read_at(const Fd& directory, pid_t pid, const std::string& file) {
  const Fd fd(::openat(directory.get(), file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail(errno, pid, file);
  return read_all(fd.get(), pid, file);
}

/// What /proc/<pid>/stat gives: "4127 (node) S 1 ...". The name may hold blanks and parentheses, so
/// the fields are counted from the last ')' (proc(5)).
struct Stat {
  std::string name;
  char state = '?';
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;
};

Stat parse_stat(std::string_view text, pid_t pid) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
      close + 4 >= text.size())
    throw Error(ErrorCode::malformed, fmt::format("/proc/{}/stat has an unknown form", pid));
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  stat.state = text[close + 2];
  std::from_chars(text.data() + close + 4, text.data() + text.size(), stat.parent);
  constexpr int start_field = 22;
  int field = 3;
  std::size_t at = close + 2;
  while (field < start_field && at != std::string_view::npos) {
    at = text.find(' ', at + 1);
    ++field;
  }
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + 1, text.data() + text.size(), stat.start_ticks);
  return stat;
}

std::vector<std::string> split_arguments(const std::string& text) {
  std::vector<std::string> arguments;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    arguments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

}  // namespace

std::vector<pid_t> Procfs::pids() const {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(root_.c_str()), ::closedir);
  if (!directory)
    throw Error(ErrorCode::not_found, fmt::format("{}: {}", root_, std::strerror(errno)),
                "triage needs a mounted /proc");
  std::vector<pid_t> pids;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

ProcessInfo Procfs::process(pid_t pid) const {
  const std::string path = fmt::format("{}/{}", root_, pid);
  const Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) fail(errno, pid, "");
  const Stat stat = parse_stat(read_at(directory, pid, "stat"), pid);
  ProcessInfo info;
  info.id = {pid, stat.start_ticks};
  info.name = stat.name;
  info.state = stat.state;
  info.parent = stat.parent;
  info.arguments = split_arguments(read_at(directory, pid, "cmdline"));
  struct stat owner = {};
  if (::fstat(directory.get(), &owner) == 0) info.uid = owner.st_uid;
  return info;
}

Fd Procfs::open_process(const ProcessIdentity& id) const {
  const std::string path = fmt::format("{}/{}", root_, id.pid);
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) fail(errno, id.pid, "");
  if (parse_stat(read_at(directory, id.pid, "stat"), id.pid).start_ticks != id.start_ticks)
    throw Error(ErrorCode::not_found,
                fmt::format("process {} ended and its number was used again", id.pid),
                "look the target up again");
  return directory;
}

std::string Procfs::read(pid_t pid, const std::string& file) const {
  const std::string path = fmt::format("{}/{}/{}", root_, pid, file);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail(errno, pid, file);
  return read_all(fd.get(), pid, file);
}

std::string Procfs::read_file(const std::string& file) const {
  const Fd fd(::open(fmt::format("{}/{}", root_, file).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd)
    throw Error(errno == EACCES ? ErrorCode::refused : ErrorCode::not_found,
                fmt::format("{}/{}: {}", root_, file, std::strerror(errno)));
  return read_all(fd.get(), 0, file);
}

void Procfs::check_same(const ProcessIdentity& id) const {
  const Fd same = open_process(id);
}

}  // namespace triage::os
