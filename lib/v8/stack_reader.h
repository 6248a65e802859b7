#pragma once

/// The stacks of one running Node.js process, by each of the ways to get a thread's registers. The
/// process is not stopped except by stopped().
///
///   StackReader reader(pid);
///   if (auto stack = reader.blocked(tid)) use(*stack);
#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>

#include "lib/base/clock.h"
#include "lib/os/perf_stack_sampler.h"
#include "lib/os/process_image.h"
#include "lib/os/threads.h"
#include "lib/v8/process_code.h"
#include "lib/v8/stack_frame.h"
#include "lib/v8/stack_walker.h"

namespace triage::v8 {

class StackReader {
 public:
  /// Throws Error{not_found, refused, malformed}: no such process, no right, no Node.js.
  explicit StackReader(pid_t pid);
  StackReader(const StackReader&) = delete;
  StackReader& operator=(const StackReader&) = delete;
  ~StackReader();

  /// Of a thread that was on a CPU when perf took the sample.
  Stack sampled(const os::PerfStackSample& sample);
  /// Of a thread that is blocked in the kernel; nothing while it runs. `state` as it was read just
  /// before (or read_syscall()).
  std::optional<Stack> blocked(pid_t tid, const os::SyscallState& state);
  /// Stops the thread while its registers and stack are copied; `pause` is how long. Throws like
  /// os::ThreadStop.
  Stack stopped(pid_t tid, std::chrono::milliseconds timeout, const Clock& clock, Duration& pause);

  [[nodiscard]] const ProcessCode& code() const { return *code_; }
  [[nodiscard]] const os::ProcessImage& image() const { return image_; }
  [[nodiscard]] const os::MemorySource& memory() const { return memory_; }

 private:
  Stack walk(const os::MemorySource& memory, const os::Registers& registers, StackSource source);

  os::ProcessImage image_;
  os::ProcessMemory memory_;
  os::CachedMemory cached_;
  std::unique_ptr<ProcessCode> code_;
  SourceMapTable maps_;
  std::unique_ptr<StackWalker> walker_;
};

}  // namespace triage::v8
