#include "lib/probes/pool_statements.h"

#include <doctest/doctest.h>

using namespace triage;
using namespace triage::probes::pool_statements;

namespace {

Counters counters(const std::string& id, std::int64_t calls, std::int64_t rows, double total_ms) {
  Counters one;
  one.query_id = id;
  one.query = "SELECT " + id;
  one.calls_count = calls;
  one.rows_count = rows;
  one.total_ms = total_ms;
  return one;
}

bool found(const Result& result, const std::string& id) {
  for (const auto& finding : result.envelope.findings)
    if (finding.id == id) return true;
  return false;
}

}  // namespace

TEST_CASE("pool statements: what counts is the difference of the two readings") {
  Sample sample;
  sample.window_s = 10;
  sample.before = {counters("a", 1000, 1000, 90'000), counters("b", 5, 5, 10)};
  sample.after = {counters("a", 1100, 1100, 90'500), counters("b", 5, 5, 10),
                  counters("c", 10, 10, 1500)};
  const auto result = analyse({}, sample);
  REQUIRE(result.statements.size() == 2);  // b was not called
  CHECK(result.statements[0].query_id == "c");
  CHECK(result.statements[0].mean_ms == doctest::Approx(150));
  CHECK(result.statements[0].time_ratio == doctest::Approx(0.75));
  CHECK(result.statements[1].calls_per_s == doctest::Approx(10));
  CHECK(*result.busy_mean == doctest::Approx(0.2));
  CHECK(result.envelope.severity == Severity::ok);
}

TEST_CASE("pool statements: a statement that is called once per row of another is N+1") {
  Sample sample;
  sample.window_s = 10;
  sample.after = {counters("orders", 10, 500, 20), counters("customer", 490, 490, 100),
                  counters("login", 10, 10, 5)};
  const auto result = analyse({}, sample);
  REQUIRE(result.row_by_row.size() == 1);
  CHECK(result.row_by_row[0].parent_id == "orders");
  CHECK(result.row_by_row[0].child_id == "customer");
  CHECK(result.row_by_row[0].calls_per_parent == doctest::Approx(49));
  CHECK(found(result, "row_by_row"));
}

TEST_CASE("pool statements: a busy statement that matches no other's rows is not N+1") {
  Sample sample;
  sample.window_s = 10;
  sample.after = {counters("orders", 10, 500, 20), counters("session", 3000, 3000, 100)};
  CHECK(analyse({}, sample).row_by_row.empty());
}

TEST_CASE("pool statements: a reset, a plain role and a missing extension are unknown, not ok") {
  Sample reset;
  reset.window_s = 10;
  reset.reset_before = "2026-01-01";
  reset.reset_after = "2026-01-02";
  CHECK(analyse({}, reset).envelope.severity == Severity::unknown);
  Sample missing;
  missing.installed = false;
  CHECK(found(analyse({}, missing), "not_installed"));
  CHECK(analyse({}, missing).envelope.severity == Severity::unknown);
  Sample partial;
  partial.window_s = 10;
  partial.partial = true;
  CHECK(analyse({}, partial).envelope.severity == Severity::unknown);
}
