#include "lib/probes/pool_explain.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe pool_explain() {
  return make_probe("pool-explain", "plans of statements, never run: missing indexes",
                    pool_explain::help, pool_explain::describe, pool_explain::collect,
                    pool_explain::analyse, pool_explain::sections);
}

}  // namespace triage::probes::rows
