#include "lib/probes/pool_causes.h"

#include <doctest/doctest.h>

#include "lib/probes/pool.h"
#include "lib/probes/pool_causes_app.h"

using namespace triage;
using namespace std::chrono_literals;
using probes::pool::AppClient;
using probes::pool::AppPool;
using probes::pool::Cause;
using probes::pool::Sample;

namespace {

/// Five of five are out, six wait, nothing came back in a second.
AppPool exhausted() {
  AppPool pool;
  pool.pid = 7;
  pool.library = "pg-pool";
  pool.total_count = pool.checked_out_count = 5;
  pool.max_count = 5;
  pool.waiting_count = 6;
  pool.looks_count = pool.looks_waiting_count = 6;
  pool.checked_out_mean = 5;
  pool.watched_s = 1;
  pool.returned_count = 0;
  pool.statement_ratio = 0;
  for (int i = 0; i < 5; ++i) {
    AppClient client;
    client.id = i + 1;
    client.transaction = "I";
    client.held_s = 60;
    client.stayed = true;
    pool.clients.push_back(client);
  }
  return pool;
}

std::vector<Cause> causes_of(const AppPool& pool) {
  Sample sample;
  sample.target_pid = 7;
  sample.app_pools.push_back(pool);
  return probes::pool::analyse({}, sample).causes;
}

}  // namespace

TEST_CASE("pool causes: a leak is named only from slow_after on") {
  AppPool pool = exhausted();
  REQUIRE(causes_of(pool).size() == 1);
  CHECK(causes_of(pool)[0].name == "client_leak");
  CHECK(causes_of(pool)[0].not_apart_from.empty());
  for (auto& client : pool.clients) client.held_s = 1;
  CHECK(causes_of(pool)[0].not_apart_from == std::vector<std::string>{"held_between_statements"});
}

TEST_CASE("pool causes: a pool with an idle connection, or with nobody waiting, has no cause") {
  AppPool pool = exhausted();
  pool.idle_count = 1;
  CHECK(causes_of(pool).empty());
  pool = exhausted();
  pool.waiting_count = 0;
  CHECK(causes_of(pool).empty());
}

TEST_CASE("pool causes: a burst is no exhaustion") {
  AppPool pool = exhausted();
  pool.looks_waiting_count = 1;
  CHECK(causes_of(pool).empty());
}

TEST_CASE("pool causes: the size is arrivals times hold time with room for bursts") {
  AppPool pool = exhausted();
  pool.returned_count = 100;
  pool.waiting_growth_count = 20;
  pool.statement_ratio = 1;
  const auto sizing = probes::pool::size_of(pool);
  REQUIRE(sizing.has_value());
  CHECK(sizing->hold_s == doctest::Approx(0.05));
  CHECK(sizing->arrivals_per_s == doctest::Approx(120));
  CHECK(sizing->connections_count == 8);  // 120 x 0.05 x 1.3 = 7.8
  pool.returned_count = 0;
  CHECK_FALSE(probes::pool::size_of(pool).has_value());
}

TEST_CASE("pool causes: a hold time without statements is not cured by a larger pool") {
  AppPool pool = exhausted();
  pool.returned_count = 10;
  pool.statement_ratio = 0.1;
  for (auto& client : pool.clients) {
    client.stayed = false;
    client.statement = "SELECT ?";
  }
  CHECK(causes_of(pool)[0].name == "held_between_statements");
}

TEST_CASE("pool causes: without a pool's own view the alternatives are named") {
  Sample sample;
  sample.visibility = "all";
  for (int i = 0; i < 3; ++i) {
    probes::pool::Backend backend;
    backend.pid = i + 1;
    backend.application = "orders";
    backend.state = "idle";
    backend.state_age_s = 60;
    sample.backends.push_back(backend);
  }
  const auto causes = probes::pool::analyse({}, sample).causes;
  REQUIRE(causes.size() == 1);
  CHECK(causes[0].name == "client_leak");
  CHECK(causes[0].not_apart_from.size() == 3);
}

TEST_CASE("pool causes: pools of all instances together are held against the slots of the server") {
  Sample sample;
  sample.visibility = "all";
  sample.max_count = 20;
  sample.reserved_count = 3;
  for (int instance = 0; instance < 3; ++instance) {
    AppPool pool = exhausted();
    pool.pid = 7 + instance;
    pool.waiting_count = 0;
    sample.app_pools.push_back(pool);
  }
  const auto warned = [&] {
    for (const auto& finding : probes::pool::analyse({}, sample).envelope.findings)
      if (finding.id == "pools_exceed_slots") return true;
    return false;
  };
  CHECK_FALSE(warned());  // 3 x 5 of 17
  // Another process here that was not looked into holds three.
  for (int i = 0; i < 3; ++i) sample.clients.push_back({50'000 + i, 99, "node other.js"});
  CHECK(warned());
  sample.clients.clear();
  for (auto& pool : sample.app_pools) pool.max_count = 6;
  CHECK(warned());
}
