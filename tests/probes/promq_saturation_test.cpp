#include <doctest/doctest.h>

#include "lib/probes/promq_preset.h"

using namespace triage;
using namespace triage::probes;

TEST_CASE(
    "promq saturation: the pool's waiters are asked with the service's "
    "selector") {
  const std::vector<backends::Labels> series{{{"__name__", "pg_pool_size"}, {"app", "orders"}}};
  bool found = false;
  for (const auto& plan :
       promq_preset::plan(promq_preset::Kind::saturation, series, "orders", 15)) {
    if (plan.title == "waiting for a pool connection") {
      found = true;
      CHECK(plan.query == "sum(pg_pool_size{app=\"orders\",state=\"waiting\"})");
    } else {
      CHECK_FALSE(plan.missing.empty());
    }
  }
  CHECK(found);
}
