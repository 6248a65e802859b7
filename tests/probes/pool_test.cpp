#include "lib/probes/pool.h"

#include <doctest/doctest.h>

#include "lib/base/statement_text.h"

using namespace triage;
using probes::pool::Backend;

namespace {

probes::pool::Sample sample_of(std::vector<Backend> backends) {
  probes::pool::Sample sample;
  sample.visibility = "all";
  sample.max_count = 20;
  sample.reserved_count = 3;
  sample.backends = std::move(backends);
  return sample;
}

Backend active(std::int64_t pid, double age_s) {
  Backend backend;
  backend.pid = pid;
  backend.state = "active";
  backend.query = "SELECT ?";
  backend.query_age_s = age_s;
  return backend;
}

}  // namespace

TEST_CASE("pool: titles of client backends are read, those of the server's own processes are not") {
  const auto client = probes::pool::parse_title(
      "postgres: 15/main: app orders 127.0.0.1(53412) idle in transaction");
  REQUIRE(client);
  CHECK(client->user == "app");
  CHECK(client->database == "orders");
  CHECK(client->port == 53412);
  CHECK(client->state == "idle in transaction");
  const auto waiting = probes::pool::parse_title("postgres: app orders [local] UPDATE waiting");
  REQUIRE(waiting);
  CHECK(waiting->state == "active");
  CHECK(waiting->wait_type == "Lock");
  for (const char* title :
       {"postgres: checkpointer ", "postgres: 15/main: walwriter ", "postgres: ", "node server.js",
        "", "postgres: app orders 127.0.0.1(5) startup"})
    CHECK_FALSE(probes::pool::parse_title(title));
}

TEST_CASE("pool: a statement is long only from slow_after on, and not while it waits for a lock") {
  auto waiting = active(3, 60);
  waiting.wait_type = "Lock";
  const auto result = probes::pool::analyse({}, sample_of({active(1, 9), active(2, 11), waiting}));
  CHECK(result.long_count == 1);
  CHECK(result.statements[0].connections_count == 3);
}

TEST_CASE("pool: the role that sees only itself makes ages unknown, never zero") {
  auto sample = sample_of({active(1, 60)});
  sample.visibility = "partial";
  const auto result = probes::pool::analyse({}, sample);
  CHECK_FALSE(result.long_count.has_value());
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("pool: waiters that block each other are counted behind the one root") {
  auto first = active(2, 5);
  first.blockers = {1};
  auto second = active(3, 5);
  second.blockers = {2};
  const auto result = probes::pool::analyse({}, sample_of({active(1, 9), first, second}));
  REQUIRE(result.blocking.size() == 1);
  CHECK(result.blocking[0].root_pid == 1);
  CHECK(result.blocking[0].waiters_count == 2);
}

TEST_CASE("pool: a stalled connection is the network, an unread answer is the loop") {
  auto sample = sample_of({active(1, 1)});
  sample.backends[0].port = 40000;
  sample.tracked = {{40000, "in flight", 1, false, 0, true}};
  sample.compared_count = 4;
  sample.agreed_count = 3;
  const auto healthy = probes::pool::analyse({}, sample);
  CHECK(healthy.envelope.severity == Severity::ok);
  CHECK(healthy.tcp->agreement_ratio == 0.75);
  sample.tracked[0].stalled = true;
  CHECK(probes::pool::analyse({}, sample).envelope.findings.at(0).id == "network");
  sample.tracked[0] = {40000, "idle", 1, false, 0.5, true};
  const auto blocked = probes::pool::analyse({}, sample);
  CHECK(blocked.envelope.findings.at(0).id == "answers_unread");
}

TEST_CASE("statement text: literals and comments go, parameters and names stay") {
  using triage::normalise_statement;
  CHECK(normalise_statement("SELECT * FROM t1 WHERE a = 'x''y' AND b = 1.5 -- c\n AND d=$1") ==
        "SELECT * FROM t1 WHERE a = ? AND b = ? AND d=$1");
  CHECK(normalise_statement("SELECT $tag$ secret $tag$, E'a\\'b', \"Col1\"") ==
        "SELECT ?, E?, \"Col1\"");
  CHECK(normalise_statement("'never closed") == "?");
}
