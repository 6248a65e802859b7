#include "lib/probes/lag_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"

namespace triage::probes::lag {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
/// How often new threads are looked for.
constexpr std::int64_t scan_every_ns = 250 * millisecond;
constexpr std::int64_t throttle_every_ns = 100 * millisecond;
constexpr std::int64_t pool_every_ns = 50 * millisecond;

double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

/// Threads that never run a loop of the program, by the names that Node.js 22 and later give.
bool never_a_loop(const std::string& name) {
  for (const char* other : {"V8Worker", "libuv-worker", "DelayedTaskSche", "SignalInspector"})
    if (name.rfind(other, 0) == 0) return true;
  return false;
}

/// A long stall is looked at often in its first moments and then less and less.
std::int64_t pause_after(std::int64_t looks) {
  if (looks < 20) return millisecond;
  return (looks < 100 ? 5 : 20) * millisecond;
}

}  // namespace

ProcessWatch::ProcessWatch(os::ProcessInfo process, const Options& options,
                           const os::LoopTracer* tracer, TargetMemory memory, std::int64_t now_ns)
    : process_(std::move(process)),
      options_(options),
      tracer_(tracer),
      memory_(std::move(memory)),
      own_fd_(memory_.loop ? memory_.loop->epoll_fd() : os::main_epoll_fd(process_.id.pid)),
      threshold_ns_(
          std::chrono::duration_cast<std::chrono::nanoseconds>(options.threshold).count()),
      throttle_(process_.id.pid),
      first_throttled_ns_(throttle_.throttled_ns()),
      throttled_ns_(first_throttled_ns_) {
  // the main thread first: what refuses it refuses the process
  add({process_.id.pid, process_.name, process_.state}, now_ns);
  scan(now_ns);
}

std::variant<os::LoopTrace, os::LoopPoll> ProcessWatch::source_of(pid_t tid) const {
  if (tracer_ != nullptr) return tracer_->attach(tid);
  const bool main = tid == process_.id.pid;
  return os::LoopPoll(main ? memory_.loop : std::nullopt,
                      main && memory_.loop ? memory_.loop->epoll_fd() : -1);
}

void ProcessWatch::add(const os::ThreadInfo& info, std::int64_t now_ns) {
  MeterSettings settings;
  settings.start_ns = now_ns;
  settings.threshold_ns = threshold_ns_;
  settings.keep = static_cast<std::size_t>(std::max<std::int64_t>(options_.keep, 0));
  settings.split_known = tracer_ != nullptr;
  auto thread = std::make_unique<Thread>(info.tid, info.name, now_ns, source_of(info.tid),
                                         os::ThreadFiles(process_.id.pid, info.tid), settings);
  thread->first_schedule = thread->last_schedule = thread->files.schedule();
  begin(*thread);
  Thread& reference = *thread;
  if (memory_.stacks) thread->stacks = std::make_unique<ThreadStacks>(*memory_.stacks, info.tid);
  thread->meter.on_stall(
      [this, &reference](ObservedStall& stall, std::int64_t start_ns, std::int64_t end_ns) {
        complete(reference, stall);
        if (reference.stacks) reference.stacks->hand_over(stall, start_ns, end_ns);
      });
  threads_.push_back(std::move(thread));
}

void ProcessWatch::begin(Thread& thread) const {
  const auto call = thread.files.call();
  const bool main = thread.tid == process_.id.pid;
  if (main && tracer_ == nullptr && !call)
    throw Error(ErrorCode::refused,
                fmt::format("process {} may not be looked into", process_.id.pid),
                "run with sudo, or grant CAP_SYS_PTRACE");
  if (main) thread.meter.own_descriptor(own_fd_);
  const char state = thread.files.state();
  const bool stopped = state == 'T' || state == 't';
  // a stopped thread still shows the call that the stop interrupted
  if (call && os::is_epoll_wait(*call) && !stopped) {
    const auto fd = static_cast<int>(call->arguments[0]);
    if (thread.meter.own_descriptor() < 0) thread.meter.own_descriptor(fd);
    thread.meter.begin_waiting(fd == thread.meter.own_descriptor());
    return;
  }
  if (!main && !stopped) return;
  // libuv sets its clock when it comes back from the wait: that is when a stuck loop began
  std::optional<std::int64_t> since;
  if (const auto loop = main && memory_.loop ? memory_.loop->read() : std::nullopt)
    since = std::min(loop->time_ms * millisecond, thread.start_ns);
  thread.meter.begin_busy(since);
  thread.iteration_schedule = thread.first_schedule;
  if (tracer_ == nullptr) return;
  if (call && !call->running) thread.meter.begin_blocked();
  if (stopped) thread.meter.label_wait("stopped", {});
}

void ProcessWatch::scan(std::int64_t now_ns) {
  next_scan_ns_ = now_ns + scan_every_ns;
  std::vector<Gap> vanished;
  bool first_helper = true;
  const auto threads =
      attempt(vanished, "loops", [&] { return os::threads_of(os::Procfs(), process_.id.pid); });
  if (!threads) return;
  for (const auto& info : *threads) {
    if (info.tid == process_.id.pid) continue;
    // The platform starts its timer thread right after the main one, and before any worker.
    const bool timer = std::exchange(first_helper, false);
    const bool known = std::any_of(threads_.begin(), threads_.end(),
                                   [&](const auto& thread) { return thread->tid == info.tid; });
    if (known || never_a_loop(info.name)) continue;
    attempt(vanished, "loops", [&] {
      add(info, now_ns);
      threads_.back()->scheduler = timer;
      return true;
    });
  }
}

void ProcessWatch::tick(std::int64_t now_ns) {
  if (now_ns >= next_throttle_ns_) read_throttling(now_ns);
  for (const auto& thread : threads_) {
    if (thread->meter.ended()) continue;
    if (thread->stacks) thread->stacks->drain();  // before the event that ends the stall
    drain(*thread, now_ns);
    look(*thread, now_ns);
    look_at_stack(*thread, now_ns);
  }
  if (memory_.pool && now_ns >= next_pool_ns_) look_at_pool(now_ns);
  if (now_ns >= next_scan_ns_ && !over()) scan(now_ns);
}

void ProcessWatch::drain(Thread& thread, std::int64_t now_ns) const {
  if (auto* trace = std::get_if<os::LoopTrace>(&thread.source)) {
    trace->drain([&](const os::LoopEvent& event) { thread.meter.take(event); });
    return;
  }
  const auto call = thread.files.call();
  if (!call) {
    os::LoopEvent gone;
    gone.kind = os::LoopEvent::Kind::thread_exit;
    gone.time_ns = now_ns;
    thread.meter.take(gone);
    return;
  }
  std::get<os::LoopPoll>(thread.source).look(now_ns, *call, [&](const os::LoopEvent& event) {
    thread.meter.take(event);
    if (event.kind == os::LoopEvent::Kind::wait_exit)
      thread.iteration_schedule = thread.files.schedule();
  });
}

const os::ThreadWait& ProcessWatch::wait_of(Thread& thread, const os::SyscallState& call) const {
  const auto& last = thread.last_call;
  const char state = thread.files.state();
  if (call.number != last.number || call.arguments != last.arguments ||
      thread.last_wait.call.empty() || state == 'T' || thread.last_wait.call == "stopped") {
    thread.last_call = call;
    thread.last_wait = os::describe_wait(process_.id.pid, thread.tid, call, state);
  }
  return thread.last_wait;
}

void ProcessWatch::look(Thread& thread, std::int64_t now_ns) const {
  LoopMeter& meter = thread.meter;
  if (meter.busy_for_ns(now_ns) < threshold_ns_ / 2) {
    thread.looks = 0;
    thread.next_look_ns = 0;
    thread.last_look_ns = now_ns;
    thread.last_wait = {};
    return;
  }
  if (!meter.seen_waiting() && thread.tid != process_.id.pid) return;
  const bool traced = tracer_ != nullptr;
  if (now_ns < thread.next_look_ns || (traced && (meter.labelled() || !meter.off_cpu()))) return;
  thread.next_look_ns = now_ns + pause_after(thread.looks++);
  const std::int64_t since = now_ns - std::exchange(thread.last_look_ns, now_ns);
  const auto call = thread.files.call();
  if (!call || call->running) return;
  const os::ThreadWait& wait = wait_of(thread, *call);
  if (traced)
    meter.label_wait(wait.call, wait.object);
  else
    meter.add_wait(wait.call, wait.object, since);
}

void ProcessWatch::look_at_stack(Thread& thread, std::int64_t now_ns) const {
  if (!thread.stacks) return;
  const bool main = thread.tid == process_.id.pid;
  const bool stalled = !thread.meter.ended() && (thread.meter.seen_waiting() || main) &&
                       thread.meter.busy_for_ns(now_ns) > threshold_ns_;
  if (stalled)
    thread.stacks->look(now_ns, thread.files);
  else
    thread.stacks->rest();
}

void ProcessWatch::add_ready_descriptors(std::vector<int>& descriptors) const {
  for (const auto& thread : threads_)
    if (const int ready = thread->stacks ? thread->stacks->ready_descriptor() : -1; ready >= 0)
      descriptors.push_back(ready);
}

void ProcessWatch::complete(const Thread& thread, Stall& stall) const {
  stall.tid = thread.tid;
  if (tracer_ == nullptr) {
    // the scheduler's own account of the thread, between the looks that saw its ends
    const auto now = thread.files.schedule();
    if (now && thread.iteration_schedule) {
      const double observed = stall.duration_ms + std::min(0.0, stall.start_ms);
      const double cpu = to_ms(now->cpu_ns - thread.iteration_schedule->cpu_ns);
      const double waiting = to_ms(now->wait_ns - thread.iteration_schedule->wait_ns);
      stall.cpu_ms = std::min(cpu, observed);
      stall.runqueue_ms = std::min(waiting, observed - *stall.cpu_ms);
      stall.blocked_ms = observed - *stall.cpu_ms - *stall.runqueue_ms;
      double seen = 0;
      for (const auto& wait : stall.blocked) seen += wait.ms;
      for (auto& wait : stall.blocked)
        if (seen > 0) wait.ms *= *stall.blocked_ms / seen;
      stall.stopped_ms = 0;
      for (const auto& wait : stall.blocked)
        if (wait.call == "stopped") *stall.stopped_ms += wait.ms;
      *stall.blocked_ms -= *stall.stopped_ms;
    }
  }
  add_throttling(thread, stall);
}

void ProcessWatch::look_at_pool(std::int64_t now_ns) {
  next_pool_ns_ = now_ns + pool_every_ns;
  const auto state = memory_.pool->read();
  if (!state) return;
  ++pool_.looks_count;
  pool_.threads_count = state->threads;
  const bool full = state->threads > 0 && state->idle == 0 && state->queued > 0;
  if (!full) {
    pool_full_since_ns_ = 0;
    return;
  }
  ++pool_.full_count;
  pool_.longest_queue_count = std::max(pool_.longest_queue_count, state->queued);
  if (pool_full_since_ns_ == 0) pool_full_since_ns_ = now_ns;
  pool_.longest_full_ms = std::max(pool_.longest_full_ms, to_ms(now_ns - pool_full_since_ns_));
}

std::optional<PoolSample> ProcessWatch::pool() const {
  return memory_.pool && pool_.looks_count > 0 ? std::optional(pool_) : std::nullopt;
}

void ProcessWatch::read_throttling(std::int64_t now_ns) {
  next_throttle_ns_ = now_ns + throttle_every_ns;
  throttled_ns_ = throttle_.throttled_ns();
  if (!throttled_ns_) return;
  for (const auto& thread : threads_)
    if (thread->meter.busy_for_ns(now_ns) < threshold_ns_ / 2)
      thread->throttled_base_ns = *throttled_ns_;
}

void ProcessWatch::add_throttling(const Thread& thread, Stall& stall) const {
  const auto now = throttle_.throttled_ns();
  if (!now || !stall.runqueue_ms) return;
  double unknown = 0;
  for (const auto& wait : stall.blocked)
    if (wait.call == "unknown") unknown += wait.ms;
  // cpu.stat sums over run queues, so it can exceed what this thread has lost
  const double throttled =
      std::min(to_ms(std::max<std::int64_t>(0, *now - thread.throttled_base_ns)),
               *stall.runqueue_ms + unknown);
  stall.throttled_ms = throttled;
}

void ProcessWatch::finish(std::int64_t now_ns) {
  tick(now_ns);
  for (const auto& thread : threads_) {
    if (!thread->meter.ended()) thread->last_schedule = thread->files.schedule();
    thread->meter.finish(now_ns);
  }
}

bool ProcessWatch::over() const {
  return threads_.front()->meter.ended();
}

bool ProcessWatch::counts(const Thread& thread) const {
  if (thread.tid == process_.id.pid) return true;
  return !thread.scheduler && thread.meter.seen_waiting();
}

std::optional<double> ProcessWatch::throttled_ms() const {
  if (!throttled_ns_ || !first_throttled_ns_) return std::nullopt;
  return to_ms(*throttled_ns_ - *first_throttled_ns_);
}

std::int64_t ProcessWatch::stalls_count() const {
  std::int64_t count = 0;
  for (const auto& thread : threads_)
    if (counts(*thread)) count += thread->meter.stalls_count();
  return count;
}

std::int64_t ProcessWatch::iterations_count() const {
  std::int64_t count = 0;
  for (const auto& thread : threads_)
    if (counts(*thread)) count += thread->meter.iterations();
  return count;
}

std::vector<LoopSample> ProcessWatch::loops(WallTime start) const {
  std::vector<LoopSample> all;
  for (const auto& thread : threads_) {
    if (!counts(*thread)) continue;
    const LoopMeter& meter = thread->meter;
    LoopSample loop;
    loop.pid = process_.id.pid;
    loop.tid = thread->tid;
    loop.role = thread->tid == process_.id.pid ? "main" : "worker";
    loop.name = thread->name;
    loop.window_ms = to_ms(meter.last_ns() - thread->start_ns);
    loop.iterations_count = meter.iterations();
    loop.stalls_count = meter.stalls_count();
    loop.stalled_ms = to_ms(meter.stalled_ns());
    loop.longest_ms = to_ms(meter.longest_ns());
    loop.lost_count = meter.lost();
    for (const auto& bucket : meter.histogram().buckets())
      loop.histogram.push_back({bucket.index, bucket.count, bucket.total_ns});
    loop.timeline = meter.timeline();
    loop.stalls = meter.worst();
    const double offset = to_ms(thread->start_ns - threads_.front()->start_ns);
    for (auto& slot : loop.timeline) slot.start_ms += offset;
    for (auto& stall : loop.stalls) {
      stall.start_ms += offset;
      stall.at = to_rfc3339(
          start + std::chrono::microseconds(static_cast<std::int64_t>(stall.start_ms * 1000)));
    }
    if (thread->first_schedule && thread->last_schedule) {
      loop.cpu_ms = to_ms(thread->last_schedule->cpu_ns - thread->first_schedule->cpu_ns);
      loop.runqueue_ms = to_ms(thread->last_schedule->wait_ns - thread->first_schedule->wait_ns);
    }
    if (meter.replaced())
      loop.ended = "the process began to run another program";
    else if (meter.thread_gone())
      loop.ended = thread->tid == process_.id.pid ? "the process ended" : "the thread ended";
    all.push_back(std::move(loop));
  }
  return all;
}

}  // namespace triage::probes::lag
