#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

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

void show_progress(const ProcessWatch& watch, Duration passed, Duration window,
                   const Session& session) {
  session.progress(fmt::format("{:.0f} of {:.0f} s, {} iterations, {} stalls", to_ms(passed) / 1000,
                               to_ms(window) / 1000, watch.iterations_count(),
                               watch.stalls_count()));
}

/// Runs until the window is over, the process is gone or the user has seen enough.
void observe(ProcessWatch& watch, const Options& options, Duration start, Session& session,
             Sample& sample) {
  const Clock& clock = session.clock();
  const Duration window = window_of(options, session, sample.gaps);
  Duration last = clock.monotonic();
  Duration next_progress = start;
  const Duration tick = tick_of(options, sample.tier == "perf");
  while (!session.cancelled() && !watch.over()) {
    const Duration now = clock.monotonic();
    sample.own_longest_gap_ms = std::max(sample.own_longest_gap_ms, to_ms(now - last));
    last = now;
    if (now - start >= window) break;
    watch.tick(now.count());
    if (now >= next_progress) {
      show_progress(watch, now - start, window, session);
      next_progress = now + std::chrono::seconds(1);
    }
    std::this_thread::sleep_for(std::min(tick, window - (now - start)));
  }
  const Duration end = clock.monotonic();
  watch.finish(end.count());
  sample.window_ms = to_ms(end - start);
}

/// libuv's state in the target's memory; what is missing is noted.
UvState find_uv(const os::ProcessImage* image, Sample& sample) {
  if (image == nullptr) return {};
  UvState uv{os::UvLoop::find(*image), os::UvPool::find(*image)};
  if (!uv.pool)
    sample.gaps.push_back(
        {"pool", "not_found",
         "the program has no symbol of libuv's pool (stripped, or a shared libuv)",
         "the packages of nodejs.org and nodesource have them"});
  return uv;
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

/// Which way the loops are timed, and how exact that is (measured: tests/bench/lag-timing).
void name_tier(const os::LoopTracer* tracer, UvState& uv, const std::string& via, Sample& sample) {
  if (via == "proc") uv.loop.reset();
  if (tracer != nullptr) {
    sample.tier = "perf";
    sample.tier_source =
        "tracepoints on epoll and context switches (perf_event_open, " + tracer->source() + ")";
    sample.tier_error_ms = 0.2;
  } else if (uv.loop) {
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
  UvState uv = find_uv(image ? image->get() : nullptr, sample);
  const auto tracer = make_tracer(options, sample);
  name_tier(tracer.get(), uv, options.via, sample);
  const WallTime start = session.clock().now();
  sample.at = to_rfc3339(start);
  const auto priority = tracer ? nullptr : std::make_unique<os::RaisedPriority>();
  if (priority) sample.tier_source += " at " + priority->level();
  const Duration begin = session.clock().monotonic();
  ProcessWatch watch(process, options, tracer.get(), std::move(uv), begin.count());
  procfs.check_same(process.id);
  observe(watch, options, begin, session, sample);
  sample.loops = watch.loops(start);
  sample.throttled_ms = watch.throttled_ms();
  sample.pool = watch.pool();
  session.touch({fmt::format("threads of process {}", process.id.pid),
                 tracer ? "perf events on epoll and context switches"
                        : "their system call and libuv's clock, read again and again",
                 1, 0});
  return sample;
}

}  // namespace triage::probes::lag
