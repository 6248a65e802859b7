#include <doctest/doctest.h>

#include "lib/probes/promq_preset.h"

using namespace triage;
using namespace triage::probes;

TEST_CASE(
    "promq postgres: connections come from another metric where "
    "pg_stat_activity_count is missing") {
  const std::vector<backends::Labels> series{
      {{"__name__", "pg_stat_database_numbackends"}, {"datname", "x"}}};
  bool found = false;
  for (const auto& plan : promq_preset::plan(promq_preset::Kind::postgres, series, "", 15)) {
    if (plan.title == "connections / max_connections") {
      found = true;
      CHECK(plan.query ==
            "sum(pg_stat_database_numbackends) / "
            "max(pg_settings_max_connections)");
    } else {
      CHECK_FALSE(plan.missing.empty());
    }
  }
  CHECK(found);
}
