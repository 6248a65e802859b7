#include "lib/probes/pool_explain.h"

#include <doctest/doctest.h>

using namespace triage;
using namespace triage::probes::pool_explain;

namespace {

Sample sample_of(const std::string& plan) {
  Sample sample;
  Planned statement;
  statement.query = "SELECT * FROM orders WHERE customer = ?";
  statement.plan = plan;
  sample.statements = {statement};
  TableFacts orders;
  orders.name = "public.orders";
  orders.rows_count = orders.live_count = 100'000;
  orders.analyzed_s = 60;
  orders.columns = {"id", "customer", "note"};
  orders.indexed = {"id"};
  sample.tables = {orders};
  return sample;
}

constexpr const char* sequential =
    R"({"Node Type":"Seq Scan","Relation Name":"orders","Schema":"public","Total Cost":2041.0,)"
    R"("Plan Rows":10,"Filter":"orders.customer = ?"})";

bool found(const Result& result, const std::string& id) {
  for (const auto& finding : result.envelope.findings)
    if (finding.id == id) return true;
  return false;
}

}  // namespace

TEST_CASE("pool explain: a scan of a large table for few rows names the index that is missing") {
  const auto result = analyse({}, sample_of(sequential));
  REQUIRE(result.plans[0].hints.size() == 1);
  CHECK(result.plans[0].hints[0].find("CREATE INDEX CONCURRENTLY ON public.orders (customer);") !=
        std::string::npos);
  CHECK(found(result, "missing_index"));
}

TEST_CASE("pool explain: no index is wanted for a small table, many rows, or where there is one") {
  auto small = sample_of(sequential);
  small.tables[0].rows_count = small.tables[0].live_count = 500;
  CHECK(analyse({}, small).envelope.severity == Severity::ok);
  auto indexed = sample_of(sequential);
  indexed.tables[0].indexed = {"id", "customer"};
  CHECK(analyse({}, indexed).envelope.severity == Severity::ok);
  const auto many = sample_of(
      R"({"Node Type":"Seq Scan","Relation Name":"orders","Schema":"public","Plan Rows":50000,)"
      R"("Filter":"orders.customer > ?"})");
  CHECK(analyse({}, many).envelope.severity == Severity::ok);
}

TEST_CASE("pool explain: a column is not taken for a part of another name") {
  const auto other = sample_of(
      R"({"Node Type":"Seq Scan","Relation Name":"orders","Schema":"public","Plan Rows":10,)"
      R"("Filter":"orders.customer_name = ?"})");
  CHECK(analyse({}, other).plans[0].hints.empty());
}

TEST_CASE("pool explain: estimates are held against the rows that were counted") {
  auto sample = sample_of(R"({"Node Type":"Index Scan","Total Cost":8.0,"Plan Rows":1})");
  sample.statements[0].rows_per_call = 5000;
  const auto result = analyse({}, sample);
  CHECK(*result.plans[0].misestimate_ratio == doctest::Approx(5000));
  CHECK(found(result, "misestimate"));
  sample.statements[0].rows_per_call = 3;
  CHECK_FALSE(found(analyse({}, sample), "misestimate"));
}

TEST_CASE("pool explain: statistics that are out of date are named") {
  auto sample = sample_of(
      R"({"Node Type":"Index Scan","Relation Name":"orders","Schema":"public","Plan Rows":1})");
  sample.tables[0].changed_count = 90'000;
  CHECK(found(analyse({}, sample), "stale_table"));
}

TEST_CASE("pool explain: what was not planned is unknown, and no statement is not ok") {
  auto sample = sample_of("");
  sample.statements[0].refused = "permission denied for table orders";
  CHECK(analyse({}, sample).envelope.severity == Severity::unknown);
  CHECK(analyse({}, Sample{}).envelope.severity == Severity::unknown);
  // a cut plan is no plan
  for (std::size_t i = 0; i < std::string(sequential).size(); ++i)
    CHECK(analyse({}, sample_of(std::string(sequential).substr(0, i))).plans[0].scans.empty());
}
