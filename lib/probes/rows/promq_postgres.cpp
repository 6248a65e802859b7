#include "lib/probes/make_probe.h"
#include "lib/probes/promq_preset.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_postgres() {
  return make_probe("promq-postgres", "connections, transactions and locks (postgres exporter)",
                    promq_preset::help_of<promq_preset::Kind::postgres>, promq_preset::describe,
                    promq_preset::collect_of<promq_preset::Kind::postgres>, promq_preset::analyse,
                    promq_preset::sections);
}

}  // namespace triage::probes::rows
