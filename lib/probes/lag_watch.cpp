#include "lib/probes/lag_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/os/thread_wait.h"

namespace triage::probes::lag {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
/// How often new threads are looked for.
constexpr std::int64_t scan_every_ns = 250 * millisecond;
constexpr std::int64_t throttle_every_ns = 100 * millisecond;

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
                           const os::LoopTracer& tracer, std::int64_t now_ns)
    : process_(std::move(process)),
      options_(options),
      tracer_(tracer),
      throttle_(process_.id.pid),
      first_throttled_ns_(throttle_.throttled_ns()),
      throttled_ns_(first_throttled_ns_) {
  // the main thread first: what refuses it refuses the process
  add({process_.id.pid, process_.name, process_.state}, now_ns);
  scan(now_ns);
}

void ProcessWatch::add(const os::ThreadInfo& info, std::int64_t now_ns) {
  MeterSettings settings;
  settings.start_ns = now_ns;
  settings.threshold_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(options_.threshold).count();
  settings.keep = static_cast<std::size_t>(std::max<std::int64_t>(options_.keep, 0));
  auto thread = std::make_unique<Thread>(Thread{info.tid,
                                                info.name,
                                                now_ns,
                                                tracer_.attach(info.tid),
                                                os::ThreadFiles(process_.id.pid, info.tid),
                                                LoopMeter(settings),
                                                {},
                                                {}});
  thread->first_schedule = thread->last_schedule = thread->files.schedule();
  begin(*thread);
  Thread& reference = *thread;
  thread->meter.on_stall([this, &reference](Stall& stall, std::int64_t, std::int64_t) {
    add_throttling(reference, stall);
    stall.tid = reference.tid;
  });
  threads_.push_back(std::move(thread));
}

void ProcessWatch::begin(Thread& thread) const {
  const auto call = thread.files.call();
  const bool main = thread.tid == process_.id.pid;
  const char state = thread.files.state();
  if (state == 'T' || state == 't') {
    // a stopped thread still shows the call that the stop interrupted
    thread.meter.begin_busy(std::nullopt);
    thread.meter.begin_blocked();
    thread.meter.label_wait("stopped", {});
  } else if (call && os::is_epoll_wait(*call)) {
    thread.meter.own_descriptor(static_cast<int>(call->arguments[0]));
    thread.meter.begin_waiting(true);
  } else if (main) {
    thread.meter.begin_busy(std::nullopt);
    if (call && !call->running) thread.meter.begin_blocked();
  }
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
    thread->trace.drain([&](const os::LoopEvent& event) { thread->meter.take(event); });
    look(*thread, now_ns);
  }
  if (now_ns >= next_scan_ns_ && !over()) scan(now_ns);
}

void ProcessWatch::look(Thread& thread, std::int64_t now_ns) const {
  const std::int64_t threshold =
      std::chrono::duration_cast<std::chrono::nanoseconds>(options_.threshold).count();
  if (thread.meter.busy_for_ns(now_ns) < threshold / 2) {
    thread.looks = 0;
    thread.next_look_ns = 0;
    return;
  }
  if (!thread.meter.seen_waiting() && thread.tid != process_.id.pid) return;
  if (now_ns < thread.next_look_ns || thread.meter.labelled() || !thread.meter.off_cpu()) return;
  thread.next_look_ns = now_ns + pause_after(thread.looks++);
  const auto call = thread.files.call();
  if (!call || call->running) return;
  const auto wait = os::describe_wait(process_.id.pid, thread.tid, *call, thread.files.state());
  thread.meter.label_wait(wait.call, wait.object);
}

void ProcessWatch::read_throttling(std::int64_t now_ns) {
  next_throttle_ns_ = now_ns + throttle_every_ns;
  throttled_ns_ = throttle_.throttled_ns();
  if (!throttled_ns_) return;
  const std::int64_t threshold =
      std::chrono::duration_cast<std::chrono::nanoseconds>(options_.threshold).count();
  for (const auto& thread : threads_)
    if (thread->meter.busy_for_ns(now_ns) < threshold / 2)
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
      loop.ended = "the thread ended";
    all.push_back(std::move(loop));
  }
  return all;
}

}  // namespace triage::probes::lag
