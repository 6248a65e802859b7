#include "lib/probes/lag_dump.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe lag_dump() {
  return make_probe("lag-dump", "what every thread does now: JavaScript and native stacks",
                    lag_dump::help, lag_dump::describe, lag_dump::collect, lag_dump::analyse,
                    lag_dump::sections);
}

}  // namespace triage::probes::rows
