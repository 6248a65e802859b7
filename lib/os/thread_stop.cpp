#include "lib/os/thread_stop.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <vector>

#include "lib/base/error.h"
#include "lib/os/procfs.h"

namespace triage::os {
namespace {

[[noreturn]] void cannot_trace(int error, pid_t pid, pid_t tid) {
  if (error == ESRCH)
    throw Error(ErrorCode::not_found, fmt::format("thread {} of process {} is gone", tid, pid));
  if (const pid_t tracer = tracer_of(pid); tracer != 0)
    throw Error(ErrorCode::refused,
                fmt::format("process {} is already traced by pid {}", pid, tracer),
                "detach that debugger, or leave out --stop");
  throw Error(ErrorCode::refused,
              fmt::format("thread {} cannot be stopped: {}", tid, std::strerror(error)),
              "run the same command with sudo; in a container add the capability SYS_PTRACE");
}

void pause_briefly(std::chrono::nanoseconds time) {
  timespec wait{0, static_cast<long>(time.count())};
  ::nanosleep(&wait, nullptr);
}

/// Threads that were asked to stop and had not yet; only the asking thread may let them go.
std::vector<pid_t>& late_threads() {
  thread_local std::vector<pid_t> threads;
  return threads;
}

}  // namespace

void ThreadStop::release_late() {
  auto& late = late_threads();
  for (std::size_t i = late.size(); i-- > 0;) {
    int status = 0;
    const pid_t changed = ::waitpid(late[i], &status, __WALL | WNOHANG);
    if (changed == 0) continue;
    if (changed > 0 && WIFSTOPPED(status)) {
      const bool ours = status >> 16 == PTRACE_EVENT_STOP;
      ::ptrace(PTRACE_DETACH, late[i], nullptr, static_cast<long>(ours ? 0 : WSTOPSIG(status)));
    }
    late.erase(late.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

pid_t tracer_of(pid_t pid) {
  const std::string status = Procfs().read(pid, "status");
  constexpr std::string_view label = "TracerPid:\t";
  const std::size_t at = status.find(label);
  pid_t tracer = 0;
  if (at != std::string::npos)
    std::from_chars(status.data() + at + label.size(), status.data() + status.size(), tracer);
  return tracer;
}

ThreadStop::ThreadStop(pid_t pid, pid_t tid, std::chrono::milliseconds timeout)
    : pid_(pid), tid_(tid) {
  release_late();
  if (::ptrace(PTRACE_SEIZE, tid_, nullptr, nullptr) != 0) cannot_trace(errno, pid, tid);
  // From here on the destructor does not run if we throw: the kernel detaches when triage ends, and
  // a thread that was only seized runs on as before.
  if (::ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr) != 0) cannot_trace(errno, pid, tid);
  if (!wait_for_stop(timeout)) {
    late_threads().push_back(tid_);
    throw Error(ErrorCode::budget,
                fmt::format("thread {} did not stop within {} ms: it is in an uninterruptible call",
                            tid, timeout.count()),
                "its stack is read without stopping it: leave out --stop");
  }
  stopped_ = true;
  read_registers();
}

bool ThreadStop::wait_for_stop(std::chrono::milliseconds timeout) {
  std::chrono::nanoseconds waited{0};
  std::chrono::nanoseconds step = std::chrono::microseconds(5);
  while (waited < timeout) {
    int status = 0;
    const pid_t changed = ::waitpid(tid_, &status, __WALL | WNOHANG);
    if (changed < 0 || (changed == tid_ && !WIFSTOPPED(status))) cannot_trace(ESRCH, pid_, tid_);
    if (changed == tid_) {
      if (status >> 16 == PTRACE_EVENT_STOP) return true;
      // a signal on its way to the target: it gets it
      ::ptrace(PTRACE_CONT, tid_, nullptr, static_cast<long>(WSTOPSIG(status)));
      continue;
    }
    pause_briefly(step);
    waited += step;
    if (step < std::chrono::milliseconds(1)) step *= 2;
  }
  return false;
}

void ThreadStop::read_registers() {
  user_regs_struct regs = {};
  iovec area{&regs, sizeof regs};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): ptrace takes the kind of registers as an address
  if (::ptrace(PTRACE_GETREGSET, tid_, reinterpret_cast<void*>(NT_PRSTATUS), &area) != 0) return;
  const std::array<unsigned long long, Registers::count> values{
      regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp, regs.r8,
      regs.r9,  regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip};
  for (unsigned i = 0; i < Registers::count; ++i) registers_.set(i, values.at(i));
  thread_pointer_ = regs.fs_base;
}

ThreadStop::~ThreadStop() {
  if (stopped_) ::ptrace(PTRACE_DETACH, tid_, nullptr, nullptr);
}

}  // namespace triage::os
