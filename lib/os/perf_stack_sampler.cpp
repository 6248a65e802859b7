#include "lib/os/perf_stack_sampler.h"

#include <asm/perf_regs.h>
#include <fmt/format.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "lib/base/error.h"

namespace triage::os {
namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t ring_bytes = 256 * page_bytes;
constexpr std::size_t mapped_bytes = ring_bytes + page_bytes;

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

[[noreturn]] void cannot_sample(int error, pid_t tid) {
  if (error == ESRCH) throw Error(ErrorCode::not_found, fmt::format("thread {} is gone", tid));
  throw Error(ErrorCode::refused,
              fmt::format("perf_event_open for thread {}: {}", tid, std::strerror(error)),
              "run the same command with sudo, or lower kernel.perf_event_paranoid to 1; in a "
              "container add the capabilities PERFMON and SYS_PTRACE");
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

}  // namespace

PerfStackSampler::PerfStackSampler(pid_t tid, const Settings& settings) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.freq = 1;
  attributes.sample_freq = settings.frequency;
  attributes.sample_type =
      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  attributes.sample_regs_user = register_mask();
  attributes.sample_stack_user = std::min(settings.stack_bytes, 65528U) / 8 * 8;
  attributes.disabled = settings.start_enabled ? 0 : 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  attributes.watermark = 0;
  attributes.wakeup_events = 1;
  event_ = Fd(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event_) cannot_sample(errno, tid);
  void* ring = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, event_.get(), 0);
  if (ring == MAP_FAILED)  // NOLINT(performance-no-int-to-ptr): the macro of mmap(2)
    throw Error(ErrorCode::refused, fmt::format("perf ring buffer: {}", std::strerror(errno)),
                "raise kernel.perf_event_mlock_kb, or run with sudo");
  ring_ = ring;
}

PerfStackSampler::~PerfStackSampler() {
  if (ring_ != nullptr) ::munmap(ring_, mapped_bytes);
}

void PerfStackSampler::enable() const {
  ::ioctl(event_.get(), PERF_EVENT_IOC_ENABLE, 0);
}

void PerfStackSampler::disable() const {
  ::ioctl(event_.get(), PERF_EVENT_IOC_DISABLE, 0);
}

void PerfStackSampler::take(std::uint64_t at, std::span<std::byte> out) const {
  const std::byte* data = static_cast<const std::byte*>(ring_) + page_bytes;
  const std::size_t begin = at % ring_bytes;
  const std::size_t first = std::min(out.size(), ring_bytes - begin);
  std::memcpy(out.data(), data + begin, first);
  std::memcpy(out.data() + first, data, out.size() - first);
}

/// {pid, tid, time, abi, registers, stack size, stack, bytes that are filled}
bool PerfStackSampler::parse(std::span<const std::byte> record, PerfStackSample& sample) const {
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

std::size_t PerfStackSampler::drain(const std::function<void(const PerfStackSample&)>& use) {
  auto* page = static_cast<perf_event_mmap_page*>(ring_);
  const std::uint64_t head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
  std::uint64_t tail = page->data_tail;
  std::size_t count = 0;
  while (tail < head) {
    perf_event_header header = {};
    take(tail, std::as_writable_bytes(std::span(&header, 1)));
    if (header.size < sizeof header) break;
    record_.resize(header.size);
    take(tail, record_);
    tail += header.size;
    const auto body = std::span<const std::byte>(record_).subspan(sizeof header);
    if (header.type == PERF_RECORD_LOST) {
      auto rest = body;
      (void)pop<std::uint64_t>(rest);
      lost_ += pop<std::uint64_t>(rest);
    }
    // the place in the ring is free before the walk: it may take longer than the next sample
    std::atomic_ref(page->data_tail).store(tail, std::memory_order_release);
    PerfStackSample sample;
    if (header.type != PERF_RECORD_SAMPLE || !parse(body, sample)) continue;
    use(sample);
    ++count;
  }
  return count;
}

}  // namespace triage::os
