#include "lib/probes/trace.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe trace() {
  return make_probe("trace", "where the time of requests goes, and where their failures begin",
                    trace::help, trace::describe, trace::collect, trace::analyse, trace::sections);
}

}  // namespace triage::probes::rows
