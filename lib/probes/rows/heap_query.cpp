#include "lib/probes/heap_query.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe heap_query() {
  return make_probe("heap-query", "objects of a heap snapshot by class, id, size or text",
                    heap_query::help, heap_query::describe, heap_query::collect,
                    heap_query::analyse, heap_query::sections);
}

}  // namespace triage::probes::rows
