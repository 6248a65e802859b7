#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/postgres_server.h"

using triage::Json;
using triage::testing::PostgresServer;
using triage::testing::PsqlSession;
using triage::testing::run_triage;

namespace {

constexpr const char* sleeping =
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
    "AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";

Json pool(const PostgresServer& server, int exit_code, const std::string& role = "watcher",
          const std::string& slow_after = "0s") {
  const auto result =
      run_triage({"pool", "--db", server.uri(role), "--slow-after", slow_after, "-o", "json"});
  CHECK(result.exit_code == exit_code);
  CHECK(result.error.empty());
  return Json::parse(result.out);
}

bool has_finding(const Json& document, const std::string& id) {
  for (const auto& finding : document["findings"])
    if (finding["id"] == id) return true;
  return false;
}

}  // namespace

TEST_CASE("pool: an idle server is ok, and every slot is accounted for") {
  const PostgresServer server;
  const Json document = pool(server, 0);
  CHECK(document["severity"] == "ok");
  CHECK(document["visibility"] == "all");
  CHECK(document["used_count"] == 0);
  CHECK(document["max_count"] == 20);
  CHECK(document["usable_count"] == 17);
}

TEST_CASE("pool: statements that hold the connections are named, grouped and counted") {
  const PostgresServer server;
  // Behind the login by more than a tick, so that the kernel's clock tells them apart.
  const PsqlSession first(server, "\\! sleep 0.1\nSELECT pg_sleep(100), 'secret';");
  const PsqlSession second(server, "\\! sleep 0.1\nSELECT pg_sleep(200), 'other';");
  server.wait_until(sleeping, "2");
  const Json document = pool(server, 1);
  CHECK(has_finding(document, "long_statement"));
  CHECK(document["long_count"] == 2);
  const Json statement = document["statements"][0];
  CHECK(statement["query"] == "SELECT pg_sleep(?), ?;");
  CHECK(statement["connections_count"] == 2);
  CHECK(statement["application"] == "orders");
  CHECK(document["joined"][0]["connections_count"] == 1);
  CHECK(document["joined"].size() == 2);
  // the kernel alone says the same
  CHECK(document["tcp"]["in_flight_count"] == 2);
  CHECK(document["tcp"]["agreement_ratio"] == 1.0);
  CHECK(document["sources"][0]["name"] == "pg_stat_activity");
  CHECK(document["sources"][1]["name"] == "tcp_info");
}

TEST_CASE("pool: a lock chain is followed to the backend that holds the lock") {
  const PostgresServer server;
  server.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1); GRANT ALL ON t TO plain");
  const PsqlSession root(server, "BEGIN; UPDATE t SET id = 2;");
  server.wait_until("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'",
                    "1");
  const PsqlSession first(server, "UPDATE t SET id = 3;");
  const PsqlSession second(server, "UPDATE t SET id = 4;");
  server.wait_until("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "2");
  const Json document = pool(server, 0);
  CHECK(has_finding(document, "lock_chain"));
  CHECK(has_finding(document, "idle_in_transaction"));
  CHECK(document["lock_waiters_count"] == 2);
  REQUIRE(document["blocking"].size() == 1);
  CHECK(document["blocking"][0]["root_state"] == "idle in transaction");
  CHECK(document["blocking"][0]["waiters_count"] == 2);
}

TEST_CASE("pool: when every slot is taken it says so and counts the backends by their titles") {
  const PostgresServer server({"max_connections=6", "superuser_reserved_connections=3"});
  std::vector<std::unique_ptr<PsqlSession>> sessions;
  // The poll itself takes a slot for a moment and can push a session out: try until three are in.
  const std::string mine =
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orders'";
  for (int tries = 0; tries < 100 && server.sql(mine) != "3"; ++tries)
    sessions.push_back(std::make_unique<PsqlSession>(server, "SELECT 1;"));
  server.wait_until(mine, "3");
  const Json refused = pool(server, 1);
  CHECK(refused["slots_full"] == true);
  CHECK(refused["visibility"] == "titles");
  CHECK(refused["used_count"] == 3);
  CHECK(refused["sources"][0]["name"] == "process titles");
  CHECK(refused["tcp"]["idle_count"].get<int>() + refused["tcp"]["unknown_count"].get<int>() == 3);
  CHECK(refused["max_count"].is_null());
  CHECK(refused["statements"].is_null());
  CHECK(refused["by_application"].is_null());
  CHECK(has_finding(refused, "slots_full"));
  // A superuser may use the reserved slots and sees everything.
  const Json allowed = pool(server, 1, "postgres");
  CHECK(allowed["visibility"] == "all");
  CHECK(allowed["used_ratio"] == 1.0);
}

TEST_CASE("pool: a role without pg_monitor is partial and never ok") {
  const PostgresServer server;
  const PsqlSession other(server, "SELECT pg_sleep(100);", "watcher");
  server.wait_until(sleeping, "1");
  const Json document = pool(server, 3, "plain");
  CHECK(document["visibility"] == "partial");
  CHECK(document["severity"] == "unknown");
  CHECK(document["long_count"].is_null());
  CHECK(document["used_count"] == 1);
}

TEST_CASE("pool: login failures are one clear line with a remedy and without the password") {
  const PostgresServer server({},
                              "hostssl all all 127.0.0.1/32 scram-sha-256\n"
                              "host all watcher 127.0.0.1/32 scram-sha-256\n");
  const auto wrong =
      run_triage({"pool", "--db",
                  fmt::format("postgres://watcher:hunter2@127.0.0.1:{}/postgres", server.port())});
  CHECK(wrong.exit_code == 5);
  CHECK(wrong.out.empty());
  CHECK(wrong.error.find("password authentication failed") != std::string::npos);
  CHECK(wrong.error.find("hunter2") == std::string::npos);
  const auto plaintext = run_triage({"pool", "--db", server.uri("plain") + "?sslmode=disable"});
  CHECK(plaintext.exit_code == 5);
  CHECK(plaintext.error.find("sslmode=require") != std::string::npos);
  const auto missing =
      run_triage({"pool", "--db",
                  fmt::format("postgres://watcher:watcher@127.0.0.1:{}/nowhere", server.port())});
  CHECK(missing.exit_code == 4);
}

TEST_CASE("pool: a server that is down is exit 4 and one line") {
  const auto down = run_triage({"pool", "--db", "postgres://watcher@127.0.0.1:1/postgres"});
  CHECK(down.exit_code == 4);
  CHECK(down.out.empty());
  CHECK(down.error.find("Connection refused") != std::string::npos);
}
