#include "lib/probes/pool_statements.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe pool_statements() {
  return make_probe("pool-statements", "what statements cost in a window; N+1 by statement",
                    pool_statements::help, pool_statements::describe, pool_statements::collect,
                    pool_statements::analyse, pool_statements::sections);
}

}  // namespace triage::probes::rows
