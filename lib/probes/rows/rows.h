#pragma once

#include "lib/probes/probe.h"

/// One function per row of the registry, each in a file of its own: a row instantiates the JSON,
/// schema and option code of its probe, which is most of what there is to compile.
namespace triage::probes::rows {

Probe pool();
Probe pool_explain();
Probe pool_statements();
Probe fds();
Probe logs();
Probe lag();
Probe lag_top();
Probe lag_gate();
Probe trace();
Probe trace_deps();
Probe heap_stat();
Probe heap_sample();
Probe heap_snapshot();
Probe lag_dump();
Probe lag_record();
Probe heap_show();
Probe heap_diff();
Probe heap_path();
Probe heap_query();
Probe heap_gate();
Probe promq();
Probe promq_rank();
Probe promq_red();
Probe promq_saturation();
Probe promq_node();
Probe promq_postgres();
Probe promq_alerts();
Probe promq_gate();
Probe promq_rules();
Probe posture();

}  // namespace triage::probes::rows
