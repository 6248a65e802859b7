#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <vector>

#include "lib/base/clock.h"
#include "lib/os/loop_trace.h"
#include "lib/os/node_process.h"
#include "lib/os/own_priority.h"
#include "lib/os/process_image.h"
#include "lib/os/target.h"
#include "lib/probes/lag.h"
#include "lib/probes/lag_watch.h"

namespace triage::probes::lag {
namespace {

using Milliseconds = std::chrono::milliseconds;

double to_ms(Duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

/// How often the rings are looked at: often enough to look at a stall while it runs.
Duration tick_of(const Options& options, bool traced) {
  if (!traced) return Milliseconds(1);
  return std::clamp<Duration>(options.threshold / 4, Milliseconds(1), Milliseconds(5));
}

/// Longer than this the whole run may not take; the rest of the time is for the report.
Duration window_of(const Options& options, const Session& session, std::vector<Gap>& gaps) {
  constexpr Milliseconds reserve{500};
  const Duration left = session.remaining();
  if (left == Duration::max() || options.duration + reserve <= left) return options.duration;
  gaps.push_back(
      {"window_ms", "budget",
       fmt::format("only {:.1f} s of the wall-clock limit were left", to_ms(left) / 1000),
       "allow more: --timeout 10m"});
  return std::max<Duration>(left - reserve, Milliseconds(0));
}

using Watches = std::vector<std::unique_ptr<ProcessWatch>>;

void show_progress(const Watches& watches, Duration passed, Duration window,
                   const Session& session) {
  std::int64_t iterations = 0;
  std::int64_t stalls = 0;
  for (const auto& watch : watches) {
    iterations += watch->iterations_count();
    stalls += watch->stalls_count();
  }
  session.progress(fmt::format("{:.0f} of {:.0f} s, {} iterations, {} stalls", to_ms(passed) / 1000,
                               to_ms(window) / 1000, iterations, stalls));
}

/// Until the next tick, or until the stack of a stalled thread is there: it is read at once, before
/// what it points to can change.
void wait(const Watches& watches, Duration longest) {
  std::vector<int> descriptors;
  for (const auto& watch : watches) watch->add_ready_descriptors(descriptors);
  std::vector<pollfd> ready;
  for (const int descriptor : descriptors) ready.push_back({descriptor, POLLIN, 0});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
  const timespec timeout{seconds.count(), (longest - seconds).count()};
  ::ppoll(ready.data(), ready.size(), &timeout, nullptr);
}

/// Runs until the window is over, the processes are gone or the user has seen enough.
void observe(Watches& watches, const Options& options, Duration start, Session& session,
             Sample& sample) {
  const Clock& clock = session.clock();
  const Duration window = window_of(options, session, sample.gaps);
  Duration last = clock.monotonic();
  Duration next_progress = start;
  const Duration tick = tick_of(options, sample.tier == "perf");
  const auto over = [&] {
    return std::all_of(watches.begin(), watches.end(),
                       [](const auto& watch) { return watch->over(); });
  };
  while (!session.cancelled() && !over()) {
    const Duration now = clock.monotonic();
    sample.own_longest_gap_ms = std::max(sample.own_longest_gap_ms, to_ms(now - last));
    last = now;
    if (now - start >= window) break;
    for (const auto& watch : watches) watch->tick(now.count());
    if (now >= next_progress) {
      show_progress(watches, now - start, window, session);
      next_progress = now + std::chrono::seconds(1);
    }
    wait(watches, std::min(tick, window - (now - start)));
  }
  const Duration end = clock.monotonic();
  for (const auto& watch : watches) watch->finish(end.count());
  sample.window_ms = to_ms(end - start);
}

/// What of the target's memory can be read; what is missing is noted.
TargetMemory find_memory(const os::ProcessImage* image, const Options& options, const Clock& clock,
                         Sample& sample) {
  if (image == nullptr) return {};
  TargetMemory memory{os::UvLoop::find(*image), os::UvPool::find(*image), nullptr};
  if (!options.no_stacks) {
    auto stacks = attempt(sample.gaps, "culprits", [&] {
      return std::make_unique<StackSource>(image->pid(), options.stop, clock);
    });
    if (stacks) memory.stacks = std::move(*stacks);
  }
  if (!memory.pool)
    sample.gaps.push_back(
        {"pool", "not_found",
         "the program has no symbol of libuv's pool (stripped, or a shared libuv)",
         "the packages of nodejs.org and nodesource have them"});
  return memory;
}

/// The Node.js processes below the target: workers of a cluster, children of a process manager.
/// Those that end meanwhile, or are no Node.js, are left out.
void add_descendants(const os::Procfs& procfs, const Options& options, const os::LoopTracer* tracer,
                     const Clock& clock, Watches& watches) {
  const std::int64_t now_ns = clock.monotonic().count();
  std::vector<Gap> others;
  std::vector<os::ProcessInfo> all;
  for (const pid_t pid : procfs.pids())
    if (auto process = attempt(others, "process", [&] { return procfs.process(pid); }))
      all.push_back(std::move(*process));
  std::set<pid_t> family{watches.front()->process().id.pid};
  // parents need not have lower numbers than their children: repeat until nothing is added
  for (std::size_t before = 0; before != family.size();) {
    before = family.size();
    for (const auto& process : all)
      if (family.contains(process.parent)) family.insert(process.id.pid);
  }
  for (const auto& process : all) {
    if (!family.contains(process.id.pid) || process.id == watches.front()->process().id) continue;
    attempt(others, "process", [&] {
      const os::ProcessImage image(process.id.pid);
      os::check_node_process(process, image);
      Sample ignored;
      watches.push_back(std::make_unique<ProcessWatch>(
          process, options, tracer, find_memory(&image, options, clock, ignored), now_ns));
      return true;
    });
  }
}

/// nullptr when the kernel's tracepoints cannot be used: then the loops are looked at.
std::unique_ptr<os::LoopTracer> make_tracer(const Options& options, Sample& sample) {
  if (options.via == "perf") {
    auto tracer = std::make_unique<os::LoopTracer>();
    [[maybe_unused]] const os::LoopTrace proof = tracer->attach(static_cast<pid_t>(sample.pid));
    return tracer;
  }
  if (options.via != "auto") return nullptr;
  auto tracer = attempt(sample.gaps, "tier", [&] {
    auto made = std::make_unique<os::LoopTracer>();
    [[maybe_unused]] const os::LoopTrace proof = made->attach(static_cast<pid_t>(sample.pid));
    return made;
  });
  return tracer ? std::move(*tracer) : nullptr;
}

/// Which way the loops are timed, and how exact that is on a machine that is not overloaded;
/// tests/bench/lag-timing prints the errors of this machine.
void name_tier(const os::LoopTracer* tracer, TargetMemory& memory, const std::string& via,
               Sample& sample) {
  if (via == "proc") memory.loop.reset();
  if (tracer != nullptr) {
    sample.tier = "perf";
    sample.tier_source =
        "tracepoints on epoll and context switches (perf_event_open, " + tracer->source() + ")";
    sample.tier_error_ms = 0.2;
  } else if (memory.loop) {
    sample.tier = "memory";
    sample.tier_source = "libuv's clock and counter in the target's memory, read every millisecond";
    sample.tier_error_ms = 1.5;
  } else if (via == "memory") {
    throw Error(ErrorCode::not_found, "libuv's loop was not found in the target's memory",
                "use --via perf or --via proc");
  } else {
    sample.tier = "proc";
    sample.tier_source =
        "/proc/PID/task/TID/syscall, read every millisecond; a loop that is always busy looks like "
        "one long iteration";
    sample.tier_error_ms = 2;
  }
}

/// What taking stacks came to.
void add_tally(const Watches& watches, Session& session, Sample& sample) {
  for (const auto& watch : watches) {
    const StackSource* stacks = watch->stacks();
    if (stacks == nullptr) continue;
    const StackTally& tally = stacks->tally();
    sample.stacks_count += tally.stacks_count;
    sample.stack_objects_count += tally.objects_count;
    sample.stack_failed_count += tally.failed_count;
    for (const auto& gap : stacks->refusals()) sample.gaps.push_back(gap);
    if (tally.longest_pause > Duration::zero()) session.paused(tally.longest_pause);
    if (tally.stacks_count > 0)
      session.touch({fmt::format("stacks of process {}", watch->process().id.pid),
                     tally.longest_pause > Duration::zero()
                         ? "memory read while a loop was stalled, the thread stopped for it"
                         : "perf samples and memory read, only while a loop was stalled",
                     tally.stacks_count, 0});
  }
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "lag: no target given",
                "name a process: triage lag 4127, name:server.js or port:3000");
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  session.progress(fmt::format("attaching to {}", sample.target));
  const auto image =
      attempt(sample.gaps, "pool", [&] { return std::make_unique<os::ProcessImage>(sample.pid); });
  if (image) os::check_node_process(process, **image);
  sample.traced_by = os::tracer_of(procfs, process.id.pid);
  TargetMemory memory =
      find_memory(image ? image->get() : nullptr, options, session.clock(), sample);
  const auto tracer = make_tracer(options, sample);
  name_tier(tracer.get(), memory, options.via, sample);
  // On a host that is overloaded stalls are shorter than the time until triage gets a CPU. Real
  // time is for the looks at libuv's clock: reading stacks takes too long to keep others off the
  // CPU.
  const os::RaisedPriority priority(tracer == nullptr);
  sample.tier_source += " at " + priority.level();
  const Duration begin = session.clock().monotonic();
  const WallTime start = session.clock().now();
  sample.at = to_rfc3339(start);
  Watches watches;
  watches.push_back(std::make_unique<ProcessWatch>(process, options, tracer.get(),
                                                   std::move(memory), begin.count()));
  procfs.check_same(process.id);
  if (options.all) add_descendants(procfs, options, tracer.get(), session.clock(), watches);
  observe(watches, options, begin, session, sample);
  for (const auto& watch : watches) {
    auto loops = watch->loops(start);
    std::move(loops.begin(), loops.end(), std::back_inserter(sample.loops));
    const auto pool = watch->pool();
    if (pool && (!sample.pool || pool->full_count > sample.pool->full_count)) sample.pool = pool;
  }
  sample.throttled_ms = watches.front()->throttled_ms();
  add_tally(watches, session, sample);
  for (const auto& watch : watches)
    session.touch({fmt::format("threads of process {}", watch->process().id.pid),
                   tracer ? "perf events on epoll and context switches"
                          : "their system call and libuv's clock, read again and again",
                   1, 0});
  return sample;
}

}  // namespace triage::probes::lag
