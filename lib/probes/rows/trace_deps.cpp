#include "lib/probes/trace_deps.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe trace_deps() {
  return make_probe("trace-deps", "who calls whom, how long and how well; then and now",
                    trace_deps::help, trace_deps::describe, trace_deps::collect,
                    trace_deps::analyse, trace_deps::sections);
}

}  // namespace triage::probes::rows
