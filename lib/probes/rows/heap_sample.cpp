#include "lib/probes/heap_sample.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_sample() {
  return make_probe("heap-sample", "which lines allocate the memory that stays", heap_sample::help,
                    heap_sample::describe, heap_sample::collect, heap_sample::analyse,
                    heap_sample::sections);
}

}  // namespace triage::probes::rows
