#include "lib/os/network_namespace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <thread>

#include "lib/base/error.h"
#include "lib/os/fd.h"

namespace triage::os {
namespace {

[[noreturn]] void fail(pid_t pid, int error) {
  throw Error(error == ENOENT ? ErrorCode::not_found : ErrorCode::refused,
              fmt::format("the network namespace of process {}: {}", pid, std::strerror(error)),
              fmt::format("run: sudo triage fds {}", pid));
}

std::string namespace_path(const Procfs& procfs, pid_t pid) {
  return fmt::format("{}/{}/ns/net", procfs.root(), pid);
}

}  // namespace

bool shares_network(const Procfs& procfs, pid_t pid) {
  struct stat own = {};
  struct stat other = {};
  if (::stat("/proc/self/ns/net", &own) != 0) fail(pid, errno);
  if (::stat(namespace_path(procfs, pid).c_str(), &other) != 0) fail(pid, errno);
  return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

void in_network_of(const Procfs& procfs, pid_t pid, const std::function<void()>& work) {
  if (shares_network(procfs, pid)) {
    work();
    return;
  }
  const Fd target(::open(namespace_path(procfs, pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!target) fail(pid, errno);
  std::exception_ptr failure;
  std::thread visitor([&] {
    try {
      if (::setns(target.get(), CLONE_NEWNET) != 0) fail(pid, errno);
      work();
    } catch (const Error&) {
      failure = std::current_exception();
    }
  });
  visitor.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace triage::os
