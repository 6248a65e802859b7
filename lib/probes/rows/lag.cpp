#include "lib/probes/lag.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe lag() {
  return make_probe("lag", "stalls of the event loop: how long, how often, and why", lag::help,
                    lag::describe, lag::collect, lag::analyse, lag::sections);
}

}  // namespace triage::probes::rows
