#pragma once

#include <string>
#include <vector>

#include "lib/backends/jaeger.h"
#include "lib/base/gap.h"
#include "lib/base/session.h"
#include "lib/probes/trace_input.h"
#include "lib/traces/span_table.h"

namespace triage::probes {

/// Asks the server of the options for the traces they name, those of the window before when
/// `baseline`. Throws Error when it cannot be asked, refuses, or does not know the service.
TraceSource read_server(const TraceOptions& options, bool baseline, Session& session,
                        traces::SpanTableBuilder& builder, std::vector<Gap>& gaps);

/// Calls between services in the window as the server counts them, over all its traces. Throws what
/// Jaeger does: servers with v3 alone, and Tempo, do not count.
std::vector<backends::Dependency> read_dependencies(const TraceOptions& options, bool baseline,
                                                    Session& session);

}  // namespace triage::probes
