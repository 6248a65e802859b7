#include "lib/probes/promq.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq() {
  return make_probe("promq", "a PromQL expression as table and plot, with onsets and baseline",
                    promq::help, promq::describe, promq::collect, promq::analyse, promq::sections);
}

}  // namespace triage::probes::rows
