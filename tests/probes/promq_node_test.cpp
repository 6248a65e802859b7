#include <doctest/doctest.h>

#include "lib/probes/promq_preset.h"

using namespace triage;
using namespace triage::probes;

TEST_CASE("promq node: an instance selects one host of the node exporter") {
  const std::vector<backends::Labels> series{
      {{"__name__", "node_cpu_seconds_total"}, {"instance", "h:9100"}}};
  bool found = false;
  for (const auto& plan : promq_preset::plan(promq_preset::Kind::node, series, "h:9100", 15)) {
    if (plan.title == "CPU used") {
      found = true;
      CHECK(plan.query ==
            "1 - "
            "avg(rate(node_cpu_seconds_total{instance=\"h:9100\","
            "mode=\"idle\"}[60s]))");
    } else {
      CHECK_FALSE(plan.missing.empty());
    }
  }
  CHECK(found);
}
