#include "lib/probes/lag_record.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe lag_record() {
  return make_probe("lag-record",
                    "a CPU profile of a thread, as flame graph, .cpuprofile, pprof, ...",
                    lag_record::help, lag_record::describe, lag_record::collect,
                    lag_record::analyse, lag_record::sections);
}

}  // namespace triage::probes::rows
