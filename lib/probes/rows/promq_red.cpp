#include "lib/probes/make_probe.h"
#include "lib/probes/promq_preset.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_red() {
  return make_probe("promq-red",
                    "rate, errors and durations of a service, by the metric names found",
                    promq_preset::help_of<promq_preset::Kind::red>, promq_preset::describe,
                    promq_preset::collect_of<promq_preset::Kind::red>, promq_preset::analyse,
                    promq_preset::sections);
}

}  // namespace triage::probes::rows
