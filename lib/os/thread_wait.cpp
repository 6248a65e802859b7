#include "lib/os/thread_wait.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <vector>

#include "lib/base/gap.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/memory_source.h"
#include "lib/os/procfs.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"

namespace triage::os {
namespace {

constexpr std::size_t longest_path = 4096;

enum class Argument { none, descriptor, path, path_after_directory, child };

Argument argument_of(std::int64_t number) {
  switch (number) {
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_preadv:
    case SYS_pwritev:
    case SYS_close:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
    case SYS_fstat:
    case SYS_getdents64:
    case SYS_flock:
    case SYS_fcntl:
    case SYS_copy_file_range:
    case SYS_connect:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
      return Argument::descriptor;
    case SYS_openat:
    case SYS_statx:
    case SYS_newfstatat:
    case SYS_unlinkat:
    case SYS_mkdirat:
    case SYS_readlinkat:
    case SYS_faccessat:
      return Argument::path_after_directory;
    case SYS_open:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_unlink:
    case SYS_rename:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_readlink:
      return Argument::path;
    case SYS_epoll_wait:
    case SYS_vfork:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_epoll_pwait:
    case SYS_clone:
      return Argument::child;
    default:
      return Argument::none;
  }
}

/// A text that ends with a zero byte; empty when it cannot be read.
std::string remote_text(pid_t pid, std::uint64_t address) {
  constexpr std::size_t page = 4096;
  const ProcessMemory memory(pid);
  std::string text;
  while (text.size() < longest_path) {
    // up to the end of the page: the next one may not be there
    std::string block(page - (address + text.size()) % page, '\0');
    const std::size_t size = memory.read(
        address + text.size(), std::as_writable_bytes(std::span(block.data(), block.size())));
    const std::size_t end = block.find('\0');
    if (end < size) return text.append(block, 0, end);
    if (size < block.size()) return {};
    text += block;
  }
  return {};
}

/// "tcp 10.0.0.7:5432" for a socket of the own network namespace.
std::string peer_of(const std::string& link) {
  const std::uint32_t inode = inode_of_socket_link(link);
  std::vector<Gap> ignored;
  const auto sockets = attempt(ignored, "socket", [] { return dump_inet({}); });
  if (inode == 0 || !sockets) return link;
  for (const auto& socket : *sockets)
    if (socket.inode == inode)
      return fmt::format("tcp {}:{}", socket.peer_address, socket.peer_port);
  return link;
}

std::string descriptor_object(pid_t pid, std::uint64_t number) {
  std::array<char, longest_path> link{};
  const std::string path = fmt::format("/proc/{}/fd/{}", pid, static_cast<int>(number));
  const ssize_t size = ::readlink(path.c_str(), link.data(), link.size());
  if (size <= 0) return fmt::format("fd {}", static_cast<int>(number));
  const std::string text(link.data(), static_cast<std::size_t>(size));
  if (text.rfind("socket:", 0) == 0) return peer_of(text);
  return number <= 2 ? fmt::format("{} (fd {})", text, number) : text;
}

/// The youngest child of the thread: what execSync has started.
std::string child_object(pid_t pid, pid_t tid) {
  std::ifstream stream(fmt::format("/proc/{}/task/{}/children", pid, tid));
  pid_t child = 0;
  for (pid_t next = 0; stream >> next;) child = next;
  if (child == 0) return {};
  std::vector<Gap> ignored;
  const auto process = attempt(ignored, "child", [&] { return Procfs().process(child); });
  if (!process) return fmt::format("child {}", child);
  std::string line = process->arguments.empty()
                         ? process->name
                         : fmt::format("{}", fmt::join(process->arguments, " "));
  if (line.size() > 60) line = line.substr(0, 57) + "...";
  return fmt::format("child {} ({})", child, line);
}

}  // namespace

int main_epoll_fd(pid_t pid) {
  const Procfs procfs;
  std::vector<Gap> ignored;
  const auto threads = attempt(ignored, "threads", [&] { return threads_of(procfs, pid); });
  const auto descriptors =
      attempt(ignored, "fd", [&] { return read_descriptors(procfs, procfs.process(pid).id); });
  if (!threads || !descriptors) return -1;
  std::set<int> of_others;
  for (const auto& thread : *threads) {
    if (thread.tid == pid) continue;
    const auto call =
        attempt(ignored, "syscall", [&] { return read_syscall(procfs, pid, thread.tid); });
    if (call && is_epoll_wait(*call)) of_others.insert(static_cast<int>(call->arguments[0]));
  }
  std::vector<int> candidates;
  for (const auto& descriptor : *descriptors)
    if (kind_of_link(descriptor.link) == "epoll" && !of_others.contains(descriptor.number))
      candidates.push_back(descriptor.number);
  std::sort(candidates.begin(), candidates.end());
  if (candidates.empty()) return -1;
  return candidates[candidates.size() > 1 ? 1 : 0];
}

bool is_epoll_wait(const SyscallState& call) {
  return !call.running && (call.number == SYS_epoll_pwait || call.number == SYS_epoll_wait ||
                           call.number == SYS_epoll_pwait2);
}

ThreadWait describe_wait(pid_t pid, pid_t tid, const SyscallState& call, char state) {
  if (state == 'T' || state == 't') return {"stopped", {}};
  if (call.number < 0) return {"page fault", {}};
  ThreadWait wait{syscall_name(call.number), {}};
  switch (argument_of(call.number)) {
    case Argument::descriptor:
      wait.object = descriptor_object(pid, call.arguments[0]);
      break;
    case Argument::path:
      wait.object = remote_text(pid, call.arguments[0]);
      break;
    case Argument::path_after_directory:
      wait.object = remote_text(pid, call.arguments[1]);
      break;
    case Argument::child:
      wait.object = child_object(pid, tid);
      break;
    case Argument::none:
      break;
  }
  return wait;
}

}  // namespace triage::os
