#include "lib/probes/heap_show.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_show() {
  return make_probe("heap-show", "what is in a V8 heap snapshot, and what holds it",
                    heap_show::help, heap_show::describe, heap_show::collect, heap_show::analyse,
                    heap_show::sections);
}

}  // namespace triage::probes::rows
