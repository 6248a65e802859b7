#include "lib/v8/stack_reader.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/os/thread_stop.h"

namespace triage::v8 {
namespace {

/// Of a stopped thread's stack; what lies above is read from the running process.
constexpr std::size_t largest_copy = 256U << 10U;

}  // namespace

StackReader::StackReader(pid_t pid)
    : image_(pid), memory_(pid), cached_(memory_), maps_(fmt::format("/proc/{}/root", pid)) {
  code_ = std::make_unique<ProcessCode>(image_, memory_);
  walker_ = std::make_unique<StackWalker>(code_->layout(), *code_, code_->bytecode_sizes());
  walker_->use_source_maps(maps_);
}

StackReader::~StackReader() = default;

Stack StackReader::walk(const os::MemorySource& memory, const os::Registers& registers,
                        StackSource source) {
  cached_.forget();
  Stack stack = walker_->walk(memory, registers, source);
  if (stack.complete || stack.truncated) return stack;
  // the process may have mapped new code since the map was read
  const std::size_t before = image_.mappings().size();
  image_.refresh();
  if (image_.mappings().size() == before) return stack;
  return walker_->walk(memory, registers, source);
}

Stack StackReader::sampled(const os::PerfStackSample& sample) {
  const os::OverlayMemory memory(cached_, sample.registers.sp(), sample.stack);
  return walk(memory, sample.registers, StackSource::perf_sample);
}

std::optional<Stack> StackReader::blocked(pid_t /*tid*/, const os::SyscallState& state) {
  if (state.running || state.program_counter == 0) return std::nullopt;
  os::Registers registers;
  registers.set(os::Registers::program_counter, state.program_counter);
  registers.set(os::Registers::stack_pointer, state.stack_pointer);
  return walk(cached_, registers, StackSource::system_call);
}

Stack StackReader::stopped(pid_t tid, std::chrono::milliseconds timeout, const Clock& clock,
                           Duration& pause) {
  // While the thread waits only its registers and its stack are copied; reading V8's objects and
  // the tables of the libraries, which takes many times longer, comes after.
  std::vector<std::byte> copy(largest_copy);
  os::Registers registers;
  const Duration begin = clock.monotonic();
  {
    const os::ThreadStop stop(image_.pid(), tid, timeout);
    registers = stop.registers();
    copy.resize(memory_.read(registers.sp(), copy));
  }
  pause = clock.monotonic() - begin;
  const os::OverlayMemory memory(cached_, registers.sp(), copy);
  return walk(memory, registers, StackSource::stopped);
}

}  // namespace triage::v8
