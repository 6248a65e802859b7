#include "lib/probes/promq_rules.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_rules() {
  return make_probe("promq-rules-suggest", "alert rules for the figures of a service",
                    promq_rules::help, promq_rules::describe, promq_rules::collect,
                    promq_rules::analyse, promq_rules::sections);
}

}  // namespace triage::probes::rows
