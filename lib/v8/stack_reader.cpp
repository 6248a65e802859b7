#include "lib/v8/stack_reader.h"

#include "lib/base/error.h"
#include "lib/os/thread_stop.h"

namespace triage::v8 {

StackReader::StackReader(pid_t pid) : image_(pid), memory_(pid), cached_(memory_) {
  code_ = std::make_unique<ProcessCode>(image_, memory_);
  walker_ = std::make_unique<StackWalker>(code_->layout(), *code_, code_->bytecode_sizes());
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
  // the table of native names is built before, not while the thread waits
  if (!warm_)
    (void)code_->symbol(code_->module().bias + code_->module().file->segments()[0].address);
  warm_ = true;
  const Duration begin = clock.monotonic();
  Stack stack;
  {
    const os::ThreadStop stop(image_.pid(), tid, timeout);
    stack = walk(cached_, stop.registers(), StackSource::stopped);
  }
  pause = clock.monotonic() - begin;
  return stack;
}

}  // namespace triage::v8
