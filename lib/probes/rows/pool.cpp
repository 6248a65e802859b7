#include "lib/probes/pool.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe pool() {
  return make_probe("pool", "connection slots of PostgreSQL: holders, statements, locks",
                    pool::help, pool::describe, pool::collect, pool::analyse, pool::sections);
}

}  // namespace triage::probes::rows
