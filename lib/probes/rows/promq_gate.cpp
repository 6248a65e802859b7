#include "lib/probes/promq_gate.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_gate() {
  return make_probe("promq-gate", "fail when an expression meets a condition, for CI",
                    promq_gate::help, promq_gate::describe, promq_gate::collect,
                    promq_gate::analyse, promq_gate::sections);
}

}  // namespace triage::probes::rows
