#pragma once

#include "lib/probes/pool.h"

namespace triage::probes::pool {

/// Adds the findings to the envelope of `result`.
void judge(const Options& options, const Sample& sample, Result& result);
/// Says where each figure comes from.
void add_provenance(const Sample& sample, Result& result);

}  // namespace triage::probes::pool
