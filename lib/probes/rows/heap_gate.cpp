#include "lib/probes/heap_gate.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_gate() {
  return make_probe("heap-gate", "fails when the heap grows by more than a limit per request",
                    heap_gate::help, heap_gate::describe, heap_gate::collect, heap_gate::analyse,
                    heap_gate::sections);
}

}  // namespace triage::probes::rows
