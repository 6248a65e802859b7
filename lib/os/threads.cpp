#include "lib/os/threads.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "lib/base/error.h"
#include "lib/base/gap.h"

namespace triage::os {
namespace {

std::optional<std::uint64_t> take_number(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

ThreadInfo read_thread(const Procfs& procfs, pid_t pid, pid_t tid) {
  const std::string text = procfs.read(pid, fmt::format("task/{}/stat", tid));
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= text.size())
    throw Error(ErrorCode::malformed,
                fmt::format("/proc/{}/task/{}/stat has an unknown form", pid, tid));
  return {tid, text.substr(open + 1, close - open - 1), text[close + 2]};
}

}  // namespace

std::vector<ThreadInfo> threads_of(const Procfs& procfs, pid_t pid) {
  const std::string path = fmt::format("{}/{}/task", procfs.root(), pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory)
    throw Error(errno == EACCES ? ErrorCode::refused : ErrorCode::not_found,
                fmt::format("{}: {}", path, std::strerror(errno)),
                "run the same command with sudo");
  std::vector<ThreadInfo> threads;
  std::vector<Gap> ended;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    pid_t tid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), tid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    if (auto thread = attempt(ended, "thread", [&] { return read_thread(procfs, pid, tid); }))
      threads.push_back(std::move(*thread));
  }
  std::sort(threads.begin(), threads.end(),
            [](const ThreadInfo& a, const ThreadInfo& b) { return a.tid < b.tid; });
  return threads;
}

std::optional<SyscallState> parse_syscall(std::string_view text) {
  SyscallState state;
  if (text.starts_with("running")) {
    state.running = true;
    return state;
  }
  if (text.starts_with("-1")) {
    text.remove_prefix(2);
  } else {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    state.number = static_cast<std::int64_t>(*number);
    for (auto& argument : state.arguments) {
      const auto value = take_number(text);
      if (!value) return std::nullopt;
      argument = *value;
    }
  }
  const auto sp = take_number(text);
  const auto pc = take_number(text);
  if (!sp || !pc) return std::nullopt;
  state.stack_pointer = *sp;
  state.program_counter = *pc;
  return state;
}

SyscallState read_syscall(const Procfs& procfs, pid_t pid, pid_t tid) {
  const auto state = parse_syscall(procfs.read(pid, fmt::format("task/{}/syscall", tid)));
  if (!state)
    throw Error(ErrorCode::malformed,
                fmt::format("/proc/{}/task/{}/syscall has an unknown form", pid, tid));
  return *state;
}

std::string syscall_name(std::int64_t number) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 52> names{{
      {SYS_read, "read"},
      {SYS_write, "write"},
      {SYS_open, "open"},
      {SYS_close, "close"},
      {SYS_stat, "stat"},
      {SYS_fstat, "fstat"},
      {SYS_lstat, "lstat"},
      {SYS_statx, "statx"},
      {SYS_poll, "poll"},
      {SYS_ppoll, "ppoll"},
      {SYS_select, "select"},
      {SYS_mmap, "mmap"},
      {SYS_munmap, "munmap"},
      {SYS_madvise, "madvise"},
      {SYS_mprotect, "mprotect"},
      {SYS_pread64, "pread64"},
      {SYS_pwrite64, "pwrite64"},
      {SYS_readv, "readv"},
      {SYS_writev, "writev"},
      {SYS_nanosleep, "nanosleep"},
      {SYS_clock_nanosleep, "clock_nanosleep"},
      {SYS_connect, "connect"},
      {SYS_sendto, "sendto"},
      {SYS_recvfrom, "recvfrom"},
      {SYS_recvmsg, "recvmsg"},
      {SYS_sendmsg, "sendmsg"},
      {SYS_wait4, "wait4"},
      {SYS_waitid, "waitid"},
      {SYS_fsync, "fsync"},
      {SYS_fdatasync, "fdatasync"},
      {SYS_flock, "flock"},
      {SYS_getdents64, "getdents64"},
      {SYS_futex, "futex"},
      {SYS_epoll_wait, "epoll_wait"},
      {SYS_epoll_pwait, "epoll_pwait"},
      {SYS_epoll_pwait2, "epoll_pwait2"},
      {SYS_openat, "openat"},
      {SYS_getrandom, "getrandom"},
      {SYS_newfstatat, "newfstatat"},
      {SYS_access, "access"},
      {SYS_readlink, "readlink"},
      {SYS_mkdir, "mkdir"},
      {SYS_rmdir, "rmdir"},
      {SYS_unlink, "unlink"},
      {SYS_rename, "rename"},
      {SYS_ftruncate, "ftruncate"},
      {SYS_copy_file_range, "copy_file_range"},
      {SYS_sendfile, "sendfile"},
      {SYS_fcntl, "fcntl"},
      {SYS_clone, "clone"},
      {SYS_vfork, "vfork"},
      {SYS_execve, "execve"},
  }};
  for (const auto& [known, name] : names)
    if (known == number) return std::string(name);
  return fmt::format("syscall {}", number);
}

}  // namespace triage::os
