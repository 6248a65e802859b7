#include "lib/probes/heap_stat.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_stat() {
  return make_probe("heap-stat", "which part of the memory grows, and which limit it hits first",
                    heap_stat::help, heap_stat::describe, heap_stat::collect, heap_stat::analyse,
                    heap_stat::sections);
}

}  // namespace triage::probes::rows
