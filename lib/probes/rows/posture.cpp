#include "lib/probes/posture.h"

#include "lib/probes/make_probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes::rows {

Probe posture() {
  return make_probe("posture", "hints on security that a running process shows", posture::help,
                    posture::describe, posture::collect, posture::analyse, posture::sections);
}

}  // namespace triage::probes::rows
