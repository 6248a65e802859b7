#pragma once

/// Takes stacks of the threads of one process while their loop is stalled, and of nobody else: perf
/// samples of a thread that is on a CPU, the memory of one that waits in the kernel. Often in the
/// first moments of a stall and then less and less, so that a stall of an hour costs no more than
/// one of a minute; what is kept is bounded.
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/gap.h"
#include "lib/os/perf_stack_sampler.h"
#include "lib/os/thread_files.h"
#include "lib/probes/lag_stall.h"
#include "lib/v8/stack_reader.h"

namespace triage::probes::lag {

/// What taking stacks came to, over all threads.
struct StackTally {
  std::int64_t stacks_count = 0;
  std::int64_t objects_count = 0;  ///< V8 objects whose type was checked
  std::int64_t failed_count = 0;   ///< of these, not what they had to be
  Duration longest_pause{0};       ///< with `stop` only
};

/// The stacks of one process; shared by its threads.
class StackSource {
 public:
  /// Reads the tables of the program, so that the first stack is there at once. With `stop` a
  /// thread that perf may not sample is stopped while its stack is copied. Throws like
  /// v8::StackReader.
  StackSource(pid_t pid, bool stop, const Clock& clock);

  v8::StackReader& reader() { return reader_; }
  [[nodiscard]] const StackTally& tally() const { return tally_; }
  /// Why threads on a CPU cannot be sampled, and what to do; empty when they can.
  [[nodiscard]] const std::vector<Gap>& refusals() const { return refusals_; }

  /// A sampler of a thread, not started; nullptr when the kernel refuses it or the thread is gone.
  std::unique_ptr<os::PerfStackSampler> sampler(pid_t tid);
  /// The stack of a thread on a CPU where perf is refused, by stopping it, if that is allowed.
  std::optional<v8::Stack> stopped(pid_t tid);
  void count(const v8::Stack& stack);

 private:
  v8::StackReader reader_;
  bool stop_;
  const Clock& clock_;
  StackTally tally_;
  std::vector<Gap> refusals_;
};

/// The stacks of one thread.
class ThreadStacks {
 public:
  ThreadStacks(StackSource& source, pid_t tid) : source_(source), tid_(tid) {}

  /// Takes in what the kernel has sampled since the last call.
  void drain();
  /// The thread's iteration has lasted longer than the threshold.
  void look(std::int64_t now_ns, const os::ThreadFiles& files);
  /// Its iteration is short, or over: nothing is sampled.
  void rest();
  /// Moves the stacks that were taken between the two times into the stall.
  void hand_over(ObservedStall& stall, std::int64_t start_ns, std::int64_t end_ns);
  /// Readable when a sample waits; -1 while nothing is sampled.
  [[nodiscard]] int ready_descriptor() const;

 private:
  struct Taken {
    std::int64_t time_ns = 0;
    std::string call;
    v8::Stack stack;
  };
  void keep(std::int64_t time_ns, std::string call, v8::Stack stack);
  void sample_running(std::int64_t now_ns);
  void read_waiting(std::int64_t now_ns, const os::SyscallState& call,
                    const os::ThreadFiles& files);

  StackSource& source_;
  pid_t tid_;
  std::unique_ptr<os::PerfStackSampler> sampler_;
  bool armed_ = false;
  std::int64_t next_ns_ = 0;
  std::int64_t looks_ = 0;
  std::vector<Taken> taken_;  ///< ascending in time
};

}  // namespace triage::probes::lag
