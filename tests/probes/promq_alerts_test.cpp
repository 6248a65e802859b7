#include "lib/probes/promq_alerts.h"

#include <doctest/doctest.h>

#include "tests/support/http_server.h"

using namespace triage;
using namespace triage::probes;

TEST_CASE(
    "promq alerts: recorded alerts keep state, age and labels; firing "
    "ones are findings") {
  testing::HttpServer server(testing::recorded_answers("prometheus"));
  const SystemClock clock;
  Session session(clock);
  promq_alerts::Options options;
  options.source.prometheus = server.address();
  const auto sample = promq_alerts::collect(options, session);
  REQUIRE_FALSE(sample.alerts.empty());
  const auto result = promq_alerts::analyse(options, sample);
  CHECK(result.firing_count + result.pending_count ==
        static_cast<std::int64_t>(sample.alerts.size()));
  CHECK_FALSE(result.alerts[0].name.empty());
  CHECK_FALSE(result.alerts[0].since.empty());
  CHECK((result.envelope.severity != Severity::ok) == (result.firing_count > 0));
}

TEST_CASE(
    "promq alerts: firing stands before pending, and --match looks into "
    "the labels") {
  promq_alerts::Sample sample;
  sample.alerts = {{"A", "pending", "", "2026-01-01T00:00:00Z", "", {{"app", "orders"}}},
                   {"B", "firing", "critical", "2026-01-02T00:00:00Z", "", {{"app", "cart"}}}};
  const auto all = promq_alerts::analyse({}, sample);
  CHECK(all.alerts[0].name == "B");
  CHECK(all.envelope.severity == Severity::crit);
  promq_alerts::Options options;
  options.match = "order";
  const auto some = promq_alerts::analyse(options, sample);
  REQUIRE(some.alerts.size() == 1);
  CHECK(some.envelope.severity == Severity::ok);
}
