#pragma once

#include <string>
#include <vector>

#include "lib/base/gap.h"
#include "lib/base/session.h"
#include "lib/probes/trace_input.h"
#include "lib/traces/span_table.h"

namespace triage::probes {

/// Asks the server of the options for the traces they name, those of the window before when
/// `baseline`. Throws Error when it cannot be asked, refuses, or does not know the service.
TraceSource read_server(const TraceOptions& options, bool baseline, Session& session,
                        traces::SpanTableBuilder& builder, std::vector<Gap>& gaps);

}  // namespace triage::probes
