#include "lib/os/perf_stack_sampler.h"

#include <asm/perf_regs.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

namespace triage::os {
namespace {

/// Pages of the ring, of 4 KiB: three samples with the largest stack, seven with the usual one. An
/// unprivileged user may lock 516 KiB (kernel.perf_event_mlock_kb).
constexpr std::size_t ring_pages = 64;

/// perf's number of each register, in the order in which a sample carries them (ascending), and
/// ours (DWARF).
constexpr std::array<std::pair<unsigned, unsigned>, Registers::count> order{{
    {PERF_REG_X86_AX, 0},
    {PERF_REG_X86_BX, 3},
    {PERF_REG_X86_CX, 2},
    {PERF_REG_X86_DX, 1},
    {PERF_REG_X86_SI, 4},
    {PERF_REG_X86_DI, 5},
    {PERF_REG_X86_BP, 6},
    {PERF_REG_X86_SP, 7},
    {PERF_REG_X86_IP, 16},
    {PERF_REG_X86_R8, 8},
    {PERF_REG_X86_R9, 9},
    {PERF_REG_X86_R10, 10},
    {PERF_REG_X86_R11, 11},
    {PERF_REG_X86_R12, 12},
    {PERF_REG_X86_R13, 13},
    {PERF_REG_X86_R14, 14},
    {PERF_REG_X86_R15, 15},
}};

std::uint64_t register_mask() {
  std::uint64_t mask = 0;
  for (const auto& [perf, ours] : order) mask |= 1ULL << perf;
  return mask;
}

/// Reads a value at the front and drops it.
template <class Value>
Value pop(std::span<const std::byte>& bytes) {
  Value value{};
  if (bytes.size() < sizeof value) {
    bytes = {};
    return value;
  }
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

/// {pid, tid, time, abi, registers, stack size, stack, bytes that are filled}
bool parse(std::span<const std::byte> record, PerfStackSample& sample) {
  (void)pop<std::uint32_t>(record);
  sample.tid = static_cast<pid_t>(pop<std::uint32_t>(record));
  sample.time_ns = pop<std::uint64_t>(record);
  if (pop<std::uint64_t>(record) != PERF_SAMPLE_REGS_ABI_64) return false;
  for (const auto& [perf, ours] : order) sample.registers.set(ours, pop<std::uint64_t>(record));
  const auto size = pop<std::uint64_t>(record);
  if (size > record.size()) return false;
  sample.stack = record.first(size);
  record = record.subspan(size);
  const auto filled = size > 0 ? pop<std::uint64_t>(record) : 0;
  sample.stack = sample.stack.first(std::min<std::uint64_t>(filled, size));
  return true;
}

Fd open_cpu_clock(pid_t tid, const PerfStackSampler::Settings& settings) {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.freq = 1;
  attributes.sample_freq = settings.frequency;
  attributes.sample_type =
      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  attributes.sample_regs_user = register_mask();
  attributes.sample_stack_user = std::min(settings.stack_bytes, 65528U) / 8 * 8;
  attributes.disabled = settings.start_enabled ? 0 : 1;
  attributes.exclude_hv = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  attributes.watermark = 0;
  attributes.wakeup_events = 1;
  return open_perf_event(attributes, tid);
}

}  // namespace

PerfStackSampler::PerfStackSampler(pid_t tid, const Settings& settings)
    : event_(open_cpu_clock(tid, settings)), ring_(event_, ring_pages) {}

void PerfStackSampler::enable() const {
  ::ioctl(event_.get(), PERF_EVENT_IOC_ENABLE, 0);
}

void PerfStackSampler::disable() const {
  ::ioctl(event_.get(), PERF_EVENT_IOC_DISABLE, 0);
}

std::size_t PerfStackSampler::drain(const std::function<void(const PerfStackSample&)>& use) {
  std::size_t count = 0;
  ring_.drain([&](const PerfRecord& record) {
    auto body = record.body;
    if (record.type == PERF_RECORD_LOST) {
      (void)pop<std::uint64_t>(body);
      lost_ += pop<std::uint64_t>(body);
    }
    PerfStackSample sample;
    if (record.type != PERF_RECORD_SAMPLE || !parse(body, sample)) return;
    use(sample);
    ++count;
  });
  return count;
}

}  // namespace triage::os
