#include "lib/probes/promq_rank.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe promq_rank() {
  return make_probe("promq-rank", "which series, services or nodes moved first and most",
                    promq_rank::help, promq_rank::describe, promq_rank::collect,
                    promq_rank::analyse, promq_rank::sections);
}

}  // namespace triage::probes::rows
