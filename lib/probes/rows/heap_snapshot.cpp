#include "lib/probes/heap_snapshot.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_snapshot() {
  return make_probe("heap-snapshot", "heap snapshots of a running process, with a forecast first",
                    heap_snapshot::help, heap_snapshot::describe, heap_snapshot::collect,
                    heap_snapshot::analyse, heap_snapshot::sections);
}

}  // namespace triage::probes::rows
