// pool statements and pool explain against a real PostgreSQL.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <thread>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/postgres_server.h"

using triage::Json;
using triage::testing::PostgresServer;
using triage::testing::run_triage;

namespace {

/// A shop: 50,000 orders of which no index knows the customer.
struct Shop {
  Shop() : server({"shared_preload_libraries=pg_stat_statements"}) {
    server.sql(
        "CREATE EXTENSION pg_stat_statements;"
        "CREATE TABLE orders (id int PRIMARY KEY, customer int, note text);"
        "INSERT INTO orders SELECT i, i % 5000, 'secret' FROM generate_series(1, 50000) i;"
        "GRANT ALL ON orders TO watcher, plain");
    server.sql("ANALYZE orders");
  }
  PostgresServer server;
};

bool has_finding(const Json& document, const std::string& id) {
  for (const auto& finding : document["findings"])
    if (finding["id"] == id) return true;
  return false;
}

}  // namespace

TEST_CASE("pool explain: the index that a statement lacks is named, and the statement is not run") {
  const Shop shop;
  shop.server.sql("SELECT pg_stat_statements_reset()");
  const auto result = run_triage({"pool", "explain", "--db", shop.server.uri(), "--query",
                                  "SELECT note FROM orders WHERE customer = 4711", "-o", "json"});
  REQUIRE_MESSAGE(!result.out.empty(), result.error);
  const Json document = Json::parse(result.out);
  CHECK(has_finding(document, "missing_index"));
  CHECK(document["plans"][0]["scans"][0]["table"] == "public.orders");
  CHECK(result.out.find("ON public.orders (customer);") != std::string::npos);
  CHECK(result.out.find("4711") == result.out.rfind("4711"));  // only among the options
  CHECK(shop.server.sql(
            "SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'SELECT note%'") == "0");
  // With the index nothing is left to say.
  shop.server.sql("CREATE INDEX ON orders (customer)");
  const Json better =
      Json::parse(run_triage({"pool", "explain", "--db", shop.server.uri(), "--query",
                              "SELECT note FROM orders WHERE customer = 4711", "-o", "json"})
                      .out);
  CHECK(better["severity"] == "ok");
}

TEST_CASE(
    "pool explain: a statement with parameters is planned, one that changes rows is not run") {
  const Shop shop;
  shop.server.sql("SELECT note FROM orders WHERE customer = 7");
  const Json counted =
      Json::parse(run_triage({"pool", "explain", "--db", shop.server.uri(), "-o", "json"}).out);
  bool planned = false;
  for (const auto& plan : counted["plans"])
    planned |= plan["query"].get<std::string>().find("SELECT note FROM orders WHERE customer =") !=
                   std::string::npos &&
               plan["refused"].get<std::string>().empty() && plan["scans"].size() == 1;
  CHECK_MESSAGE(planned, counted.dump(1));
  const auto change = run_triage({"pool", "explain", "--db", shop.server.uri(), "--query",
                                  "DELETE FROM orders", "-o", "json"});
  CHECK(change.out.find("\"Seq Scan\"") != std::string::npos);
  CHECK(shop.server.sql("SELECT count(*) FROM orders") == "50000");
  for (const char* trick : {"ANALYZE SELECT 1", "SELECT 1; DELETE FROM orders", "nonsense"}) {
    const auto refused =
        run_triage({"pool", "explain", "--db", shop.server.uri(), "--query", trick, "-o", "json"});
    CHECK_MESSAGE(refused.exit_code == 3, trick);
    CHECK(has_finding(Json::parse(refused.out), "no_plan"));
  }
  CHECK(shop.server.sql("SELECT count(*) FROM orders") == "50000");
}

TEST_CASE("pool statements: a loop over the rows of another statement is named as N+1") {
  const Shop shop;
  std::thread service([&] {
    std::string script;
    for (int round = 0; round < 40; ++round) {
      script += "SELECT id FROM orders WHERE id < 21;\n";
      for (int row = 1; row < 21; ++row)
        script += fmt::format("SELECT note FROM orders WHERE id = {};\n", row);
      script += "SELECT pg_sleep(0.1);\n";
    }
    const triage::testing::PsqlSession session(shop.server, script);
    shop.server.wait_until(
        "SELECT count(*) FROM pg_stat_statements WHERE query LIKE "
        "'SELECT note%' AND calls >= 800",
        "1");
  });
  const auto result = run_triage(
      {"pool", "statements", "--db", shop.server.uri(), "--duration", "3s", "-o", "json"});
  service.join();
  REQUIRE_MESSAGE(!result.out.empty(), result.error);
  const Json document = Json::parse(result.out);
  CHECK(has_finding(document, "row_by_row"));
  bool named = false;
  for (const auto& pair : document["row_by_row"])
    named |= pair["child"].get<std::string>().find("SELECT note FROM orders") == 0 &&
             pair["parent"].get<std::string>().find("SELECT id FROM orders") == 0;
  CHECK(named);
}

TEST_CASE("pool statements: without the extension it says how to get it, and is not ok") {
  const PostgresServer server;
  const auto result = run_triage({"pool", "statements", "--db", server.uri(), "-o", "json"});
  CHECK(result.exit_code == 3);
  CHECK(result.out.find("CREATE EXTENSION pg_stat_statements") != std::string::npos);
}
