#pragma once

/// perf_event_open(2): events of one thread and the ring in which the kernel leaves their records.
#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "lib/os/fd.h"

namespace triage::os {

/// Opens one event on one thread, on any CPU. Throws Error{refused} with what would allow it,
/// Error{not_found} when the thread has ended.
Fd open_perf_event(const perf_event_attr& attributes, pid_t tid, int group_fd = -1);

/// The kernel's identifier of the event, as it stands in its records.
std::uint64_t perf_event_id(const Fd& event);

/// Lets the event write into the ring of another one.
void share_perf_ring(const Fd& event, const Fd& owner);

/// One record: type and misc of perf_event_header, and what follows the header.
struct PerfRecord {
  std::uint32_t type = 0;
  std::uint16_t misc = 0;
  std::span<const std::byte> body;
};

/// The mapped ring of an event. Reading it costs no system call.
class PerfRing {
 public:
  /// `pages` is a power of two. Throws Error{refused} when the locked-memory limit is too small.
  PerfRing(const Fd& event, std::size_t pages);
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;
  PerfRing(PerfRing&& other) noexcept;
  PerfRing& operator=(PerfRing&& other) noexcept;
  ~PerfRing();

  /// Hands over what the kernel has written since the last call, oldest first.
  void drain(const std::function<void(const PerfRecord&)>& use);

 private:
  std::byte* map_ = nullptr;
  std::size_t data_size_ = 0;
};

}  // namespace triage::os
