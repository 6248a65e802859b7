#include "lib/probes/heap_diff.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_diff() {
  return make_probe("heap-diff", "what grew between heap snapshots, and where it stays",
                    heap_diff::help, heap_diff::describe, heap_diff::collect, heap_diff::analyse,
                    heap_diff::sections);
}

}  // namespace triage::probes::rows
