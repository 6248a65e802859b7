#include "lib/probes/fds.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe fds() {
  return make_probe("fds", "open descriptors by kind and peer, against the limits", fds::help,
                    fds::describe, fds::collect, fds::analyse, fds::sections);
}

}  // namespace triage::probes::rows
