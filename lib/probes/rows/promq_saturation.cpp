#include "lib/probes/make_probe.h"
#include "lib/probes/promq_preset.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_saturation() {
  return make_probe("promq-saturation", "event loop, heap, pool and limits of a service",
                    promq_preset::help_of<promq_preset::Kind::saturation>, promq_preset::describe,
                    promq_preset::collect_of<promq_preset::Kind::saturation>, promq_preset::analyse,
                    promq_preset::sections);
}

}  // namespace triage::probes::rows
