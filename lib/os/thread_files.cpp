#include "lib/os/thread_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace triage::os {
namespace {

/// The files here are far below this.
using Buffer = std::array<char, 1024>;

Fd open_of(pid_t pid, pid_t tid, const char* file) {
  const std::string path = fmt::format("/proc/{}/task/{}/{}", pid, tid, file);
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string_view read_again(const Fd& fd, Buffer& buffer) {
  if (!fd) return {};
  const ssize_t size = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
  return size > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(size))
                  : std::string_view();
}

}  // namespace

std::optional<ThreadSchedule> parse_schedstat(std::string_view text) {
  ThreadSchedule schedule;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, schedule.cpu_ns);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, schedule.wait_ns).ec != std::errc()) return std::nullopt;
  return schedule;
}

ThreadFiles::ThreadFiles(pid_t pid, pid_t tid)
    : call_(open_of(pid, tid, "syscall")),
      schedule_(open_of(pid, tid, "schedstat")),
      stat_(open_of(pid, tid, "stat")) {}

std::optional<SyscallState> ThreadFiles::call() const {
  Buffer buffer{};
  return parse_syscall(read_again(call_, buffer));
}

std::optional<ThreadSchedule> ThreadFiles::schedule() const {
  Buffer buffer{};
  return parse_schedstat(read_again(schedule_, buffer));
}

char ThreadFiles::state() const {
  Buffer buffer{};
  const std::string_view text = read_again(stat_, buffer);
  const std::size_t close = text.rfind(')');  // "4127 (node) S ..."
  return close == std::string_view::npos || close + 2 >= text.size() ? '?' : text[close + 2];
}

}  // namespace triage::os
