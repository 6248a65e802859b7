#include "lib/probes/promq_alerts.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_alerts() {
  return make_probe("promq-alerts", "what the rules of Prometheus say now", promq_alerts::help,
                    promq_alerts::describe, promq_alerts::collect, promq_alerts::analyse,
                    promq_alerts::sections);
}

}  // namespace triage::probes::rows
