#include "lib/probes/logs.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe logs() {
  return make_probe("logs", "known texts, levels, requests and errors in log files", logs::help,
                    logs::describe, logs::collect, logs::analyse, logs::sections);
}

}  // namespace triage::probes::rows
