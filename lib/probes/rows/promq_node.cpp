#include "lib/probes/make_probe.h"
#include "lib/probes/promq_preset.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_node() {
  return make_probe("promq-node", "CPU, memory, disks and pressure of a host (node exporter)",
                    promq_preset::help_of<promq_preset::Kind::node>, promq_preset::describe,
                    promq_preset::collect_of<promq_preset::Kind::node>, promq_preset::analyse,
                    promq_preset::sections);
}

}  // namespace triage::probes::rows
