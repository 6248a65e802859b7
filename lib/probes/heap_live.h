#pragma once

/// What the live heap commands share: figures of the running process through its inspector.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/session.h"
#include "lib/os/procfs.h"

namespace triage::v8 {
class Inspector;
}

namespace triage::probes {

/// process.memoryUsage() and the limit of v8.getHeapStatistics(); 0: not known.
struct HeapUsage {
  std::int64_t rss_bytes = 0;
  std::int64_t heap_total_bytes = 0;
  std::int64_t heap_used_bytes = 0;
  std::int64_t external_bytes = 0;
  std::int64_t array_buffers_bytes = 0;
  std::int64_t heap_limit_bytes = 0;
};
HeapUsage read_heap_usage(v8::Inspector& inspector);

/// How many times longer a fixed piece of JavaScript takes in the process now than on a machine
/// with nothing else to do: its share of the CPU and the speed of the machine. At least 1. Takes
/// some ten milliseconds of the process.
double measure_slowness(v8::Inspector& inspector, Session& session);

/// A full garbage collection; the time it took is the target's pause.
void collect_garbage(v8::Inspector& inspector, Session& session);
/// Error{refused} when a full collection of this heap would take longer: about 1 ms per MiB.
void check_gc_pause(v8::Inspector& inspector, std::chrono::milliseconds budget);

}  // namespace triage::probes
