#include "lib/probes/lag_top.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe lag_top() {
  Probe probe = make_probe("lag-top", "the event loops live", lag_top::help, lag_top::describe,
                           lag_top::collect, lag_top::analyse, lag_top::sections);
  probe.live = true;
  return probe;
}

}  // namespace triage::probes::rows
