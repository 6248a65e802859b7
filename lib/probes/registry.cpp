#include <vector>

#include "lib/probes/probe.h"
#include "lib/probes/rows/rows.h"

namespace triage::probes {

std::span<const Probe> registry() {
  static const std::vector<Probe> probes{
      rows::pool(),          rows::pool_statements(),
      rows::pool_explain(),  rows::fds(),
      rows::logs(),          rows::lag(),
      rows::lag_top(),       rows::lag_gate(),
      rows::trace(),         rows::trace_deps(),
      rows::heap_stat(),     rows::heap_sample(),
      rows::heap_snapshot(), rows::lag_dump(),
      rows::lag_record(),    rows::heap_show(),
      rows::heap_diff(),     rows::heap_path(),
      rows::heap_query(),    rows::heap_gate(),
      rows::promq(),         rows::promq_rank(),
      rows::promq_red(),     rows::promq_saturation(),
      rows::promq_node(),    rows::promq_postgres(),
      rows::promq_alerts(),  rows::promq_gate(),
      rows::promq_rules(),   rows::posture(),
  };
  return probes;
}

const Probe* find_probe(std::string_view name) {
  for (const auto& probe : registry())
    if (probe.name == name) return &probe;
  return nullptr;
}

}  // namespace triage::probes
