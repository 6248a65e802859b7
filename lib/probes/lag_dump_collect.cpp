#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/os/target.h"
#include "lib/probes/lag_dump.h"
#include "lib/v8/stack_reader.h"

namespace triage::probes::lag_dump {
namespace {

constexpr int attempts_per_thread = 5;
constexpr int sample_wait_ms = 40;
constexpr std::chrono::milliseconds stop_timeout{500};

std::string role_of(const os::ThreadInfo& thread, pid_t pid, const std::string& base) {
  const auto has = [&](std::string_view part) { return base.find(part) != std::string::npos; };
  if (thread.tid == pid) return "main";
  if (has("worker::Worker") || thread.name == "WorkerThread") return "worker_threads";
  if (has("PlatformWorkerThread") || thread.name == "V8Worker") return "V8 worker";
  if (has("DelayedTaskScheduler") || thread.name == "DelayedTaskSche") return "V8 timer";
  if (has("StartIoThread") || thread.name == "SignalInspector") return "inspector";
  if (base == "worker" || thread.name == "libuv-worker") return "libuv pool";
  return "other";
}

/// A sample of a thread that is on a CPU; nothing when it went to sleep meanwhile.
std::optional<v8::Stack> sample_running(v8::StackReader& reader, pid_t tid) {
  os::PerfStackSampler::Settings settings;
  settings.frequency = 999;
  settings.stack_bytes = 65528;
  os::PerfStackSampler sampler(tid, settings);
  pollfd ready{sampler.fd(), POLLIN, 0};
  if (::poll(&ready, 1, sample_wait_ms) <= 0) return std::nullopt;
  std::optional<v8::Stack> stack;
  sampler.disable();
  sampler.drain([&](const os::PerfStackSample& sample) {
    if (!stack) stack = reader.sampled(sample);
  });
  return stack;
}

/// Of samples of a running thread the first that is whole: a collection may move objects between
/// the sample and the read, and then types do not fit.
std::optional<v8::Stack> best_sample(v8::StackReader& reader, pid_t tid) {
  constexpr int most_samples = 8;
  std::optional<v8::Stack> best;
  for (int i = 0; i < most_samples; ++i) {
    auto stack = sample_running(reader, tid);
    if (!stack) break;
    const auto rank = [](const v8::Stack& one) {
      return std::pair(one.failed_count, one.complete ? 0 : 1);
    };
    if (!best || rank(*stack) < rank(*best)) best = std::move(stack);
    if (best->failed_count == 0 && best->complete) break;
  }
  return best;
}

/// Without stopping it: by the system call that it waits in, else by perf.
v8::Stack read_running(v8::StackReader& reader, const os::Procfs& procfs, pid_t pid, pid_t tid,
                       std::string& state) {
  for (int i = 0; i < attempts_per_thread; ++i) {
    const os::SyscallState before = os::read_syscall(procfs, pid, tid);
    if (before.running) {
      state = "on CPU";
      if (auto stack = best_sample(reader, tid)) return std::move(*stack);
      continue;
    }
    auto stack = reader.blocked(tid, before);
    const os::SyscallState after = os::read_syscall(procfs, pid, tid);
    // it went on while its stack was read
    const bool same = !after.running && after.stack_pointer == before.stack_pointer &&
                      after.program_counter == before.program_counter;
    state = before.number < 0 ? "blocked" : "in " + os::syscall_name(before.number);
    if (stack && same) return std::move(*stack);
  }
  throw Error(ErrorCode::unreachable,
              fmt::format("thread {} changed faster than it could be read", tid),
              "try again, or stop it for a moment: --stop");
}

ThreadStack read_thread(v8::StackReader& reader, const os::Procfs& procfs,
                        const os::ThreadInfo& thread, const Options& options, Session& session) {
  const pid_t pid = reader.image().pid();
  ThreadStack row;
  row.tid = thread.tid;
  row.name = thread.name;
  row.state = fmt::format("state {}", thread.state);
  v8::Stack stack;
  if (options.stop) {
    const os::SyscallState state = os::read_syscall(procfs, pid, thread.tid);
    row.state = state.running       ? "on CPU"
                : state.number >= 0 ? "in " + os::syscall_name(state.number)
                                    : "blocked";
    Duration longest{};
    for (int i = 0; i < attempts_per_thread; ++i) {
      Duration pause{};
      stack = reader.stopped(thread.tid, stop_timeout, session.clock(), pause);
      longest = std::max(longest, pause);
      if (stack.failed_count == 0 && stack.complete) break;  // else a collection moved objects
    }
    session.paused(longest);
    row.pause_ms = std::chrono::duration<double, std::milli>(longest).count();
  } else {
    stack = read_running(reader, procfs, pid, thread.tid, row.state);
  }
  row.role = role_of(thread, pid, stack.base);
  row.activity = v8::activity_of(stack.frames);
  row.source = v8::name_of(stack.source);
  row.complete = stack.complete;
  row.objects_count = stack.objects_count;
  row.failed_count = stack.failed_count;
  row.frames = std::move(stack.frames);
  return row;
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "lag dump: no target given",
                "name a process: triage lag dump 4127, name:server.js or port:3000");
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  session.progress(fmt::format("reading the stacks of {}", sample.target));
  v8::StackReader reader(process.id.pid);
  const v8::V8Layout& layout = reader.code().layout();
  sample.v8_version =
      fmt::format("{}.{}.{}", layout.version.major, layout.version.minor, layout.version.build);
  sample.checked_version = layout.known_version;
  sample.layout_from_table = layout.from_table;
  for (const auto& thread : os::threads_of(procfs, process.id.pid)) {
    if (session.cancelled()) break;
    auto row = attempt(sample.gaps, fmt::format("threads.{}", thread.tid),
                       [&] { return read_thread(reader, procfs, thread, options, session); });
    if (row) sample.threads.push_back(std::move(*row));
  }
  procfs.check_same(process.id);
  session.touch({fmt::format("/proc/{}", process.id.pid), "stat, maps, task, memory read", 1, 0});
  if (!options.stop)
    session.touch({"perf_event_open", "cpu-clock samples of threads that run", 1, 0});
  return sample;
}

}  // namespace triage::probes::lag_dump
