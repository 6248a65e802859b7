#include "lib/probes/heap_path.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_path() {
  return make_probe("heap-path", "through what an object of a heap snapshot is held",
                    heap_path::help, heap_path::describe, heap_path::collect, heap_path::analyse,
                    heap_path::sections);
}

}  // namespace triage::probes::rows
