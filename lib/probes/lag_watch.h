#pragma once

/// Watches the loops of one process: drains their events, looks at threads that are in the middle
/// of a long iteration, finds worker threads that start later.
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/os/cgroup.h"
#include "lib/os/loop_poll.h"
#include "lib/os/loop_trace.h"
#include "lib/os/procfs.h"
#include "lib/os/thread_files.h"
#include "lib/os/thread_wait.h"
#include "lib/os/uv_loop.h"
#include "lib/probes/lag.h"
#include "lib/probes/lag_stacks.h"
#include "lib/probes/loop_meter.h"

namespace triage::probes::lag {

/// What of the target's memory can be read: libuv's state, and the stacks of V8.
struct TargetMemory {
  std::optional<os::UvLoop> loop;
  std::optional<os::UvPool> pool;
  std::unique_ptr<StackSource> stacks;  ///< nullptr: none are taken
};

class ProcessWatch {
 public:
  /// Without a tracer the loops are looked at, in each tick. `now_ns` is CLOCK_MONOTONIC. Throws
  /// Error{refused} when the process may not be traced or looked at.
  ProcessWatch(os::ProcessInfo process, const Options& options, const os::LoopTracer* tracer,
               TargetMemory memory, std::int64_t now_ns);

  void tick(std::int64_t now_ns);
  void finish(std::int64_t now_ns);
  /// Nothing is left to watch: the process ended or runs another program.
  [[nodiscard]] bool over() const;
  [[nodiscard]] const os::ProcessInfo& process() const { return process_; }
  [[nodiscard]] std::vector<LoopSample> loops(WallTime start) const;
  [[nodiscard]] std::optional<double> throttled_ms() const;
  [[nodiscard]] std::optional<PoolSample> pool() const;
  /// For the progress line.
  [[nodiscard]] std::int64_t stalls_count() const;
  [[nodiscard]] std::int64_t iterations_count() const;
  /// Descriptors that are readable when a stack of a stalled thread waits.
  void add_ready_descriptors(std::vector<int>& descriptors) const;
  /// nullptr when no stacks are taken.
  [[nodiscard]] const StackSource* stacks() const { return memory_.stacks.get(); }

 private:
  struct Thread {
    Thread(pid_t id, std::string comm, std::int64_t now_ns,
           std::variant<os::LoopTrace, os::LoopPoll> events, os::ThreadFiles opened,
           const MeterSettings& settings)
        : tid(id),
          name(std::move(comm)),
          start_ns(now_ns),
          source(std::move(events)),
          files(std::move(opened)),
          meter(settings) {}
    pid_t tid;
    std::string name;
    std::int64_t start_ns;
    std::variant<os::LoopTrace, os::LoopPoll> source;
    os::ThreadFiles files;
    LoopMeter meter;
    std::unique_ptr<ThreadStacks> stacks;
    std::optional<os::ThreadSchedule> first_schedule;
    std::optional<os::ThreadSchedule> last_schedule;
    std::int64_t next_look_ns = 0;
    std::int64_t looks = 0;
    std::int64_t last_look_ns = 0;
    os::SyscallState last_call;  ///< what `last_wait` describes
    os::ThreadWait last_wait;
    std::optional<os::ThreadSchedule> iteration_schedule;  ///< when the current iteration began
    std::int64_t throttled_base_ns = 0;
    bool scheduler = false;  ///< V8's timer thread: its loop is none of the program's
  };

  void scan(std::int64_t now_ns);
  void add(const os::ThreadInfo& info, std::int64_t now_ns);
  std::variant<os::LoopTrace, os::LoopPoll> source_of(pid_t tid) const;
  void begin(Thread& thread) const;
  void drain(Thread& thread, std::int64_t now_ns) const;
  void look(Thread& thread, std::int64_t now_ns) const;
  void look_at_stack(Thread& thread, std::int64_t now_ns) const;
  const os::ThreadWait& wait_of(Thread& thread, const os::SyscallState& call) const;
  void complete(const Thread& thread, Stall& stall) const;
  void add_throttling(const Thread& thread, Stall& stall) const;
  void read_throttling(std::int64_t now_ns);
  void look_at_pool(std::int64_t now_ns);
  [[nodiscard]] bool counts(const Thread& thread) const;

  os::ProcessInfo process_;
  const Options& options_;
  const os::LoopTracer* tracer_;
  TargetMemory memory_;
  int own_fd_;  ///< the main loop's epoll descriptor; -1: not known
  std::int64_t threshold_ns_;
  os::CpuThrottle throttle_;
  std::optional<std::int64_t> first_throttled_ns_;
  std::optional<std::int64_t> throttled_ns_;
  std::int64_t next_scan_ns_ = 0;
  std::int64_t next_throttle_ns_ = 0;
  std::int64_t next_pool_ns_ = 0;
  std::int64_t pool_full_since_ns_ = 0;
  PoolSample pool_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace triage::probes::lag
