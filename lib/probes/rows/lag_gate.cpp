#include "lib/probes/lag_gate.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe lag_gate() {
  return make_probe("lag-gate", "limits and a baseline for the event loop, for CI", lag_gate::help,
                    lag_gate::describe, lag_gate::collect, lag_gate::analyse, lag_gate::sections);
}

}  // namespace triage::probes::rows
