// The built-in runbook on hand-made documents: one per cause, and those that must stay quiet. The
// shapes are those of triage/pool/1, triage/logs/1 and triage/fds/1; live runs are in tests/live.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "lib/base/json.h"
#include "lib/diagnose/run.h"
#include "lib/report/render.h"

using namespace triage;            // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::diagnose;  // NOLINT(google-build-using-namespace)

namespace {

Json healthy() {
  return Json::parse(R"({
    "pg": {"at": "2026-11-24T02:04:20.000Z", "target": "db/orders", "used_count": 4, "max_count": 100,
      "reserved_count": 3, "usable_count": 97, "used_ratio": 0.041, "slots_full": false,
      "by_application": [{"name": "orders", "connections_count": 4, "ratio": 1}],
      "by_state": [{"name": "idle", "connections_count": 3}, {"name": "active", "connections_count": 1}],
      "statements": [], "long_count": 0, "long_ratio": 0, "parked_count": 0, "parked_ratio": 0,
      "idle_in_transaction_count": 0, "idle_in_transaction_oldest_s": null,
      "lock_waiters_count": 0, "blocking": [], "deadlocks_count": 0, "joined": [],
      "provenance": [{"figures": ["/used_count"], "source": "pg_stat_activity",
        "at": "2026-11-24T02:04:20.000Z", "repeat": "psql -c 'SELECT 1'"}], "gaps": []},
    "logs": {"at": "2026-11-24T02:04:20.000Z", "target": "orders.log", "to": "2026-11-24T02:04:19.000Z",
      "lines_count": 5000, "signatures": {},
      "requests": {"total_count": 4000, "error_ratio": 0.001, "baseline_error_ratio": 0.001,
        "rate_per_s": 40, "baseline_rate_per_s": 41, "p99_ms": 40, "baseline_p99_ms": 38,
        "routes": []}, "gaps": []},
    "lag": {"at": "2026-11-24T02:04:20.000Z", "target": "pid 7", "pid": 7, "window_ms": 8000,
      "wait_p99_ms": 4, "longest_ms": 18, "gaps": []},
    "trace": null,
    "fds": {"at": "2026-11-24T02:04:20.000Z", "target": "pid 7", "pid": 7, "open_count": 60,
      "soft_limit_count": 1024, "used_ratio": 0.06, "close_wait_count": 0, "gaps": []}})");
}

void count(Json& documents, const std::string& signature, int times) {
  documents["logs"]["signatures"][signature] = {{"count", times},
                                                {"baseline_count", 0},
                                                {"first", "2026-11-24T01:31:07.000Z"},
                                                {"first_s", 1795483867.0}};
}

/// The pool of the service times out and most requests fail.
Json starved() {
  Json documents = healthy();
  count(documents, "pool.acquire_timeout", 4000);
  documents["logs"]["requests"]["error_ratio"] = 0.9;
  return documents;
}

/// So many backends of the service are idle and active.
void states(Json& documents, int idle, int active) {
  Json& pg = documents["pg"];
  pg["used_count"] = idle + active;
  pg["by_application"][0]["connections_count"] = idle + active;
  pg["by_state"] = {{{"name", "idle"}, {"connections_count", idle}},
                    {{"name", "active"}, {"connections_count", active}}};
}

void fill_server(Json& documents, const std::string& application) {
  Json& pg = documents["pg"];
  pg["used_count"] = 97;
  pg["used_ratio"] = 1.0;
  pg["slots_full"] = true;
  pg["by_application"] = {{{"name", application}, {"connections_count", 90}, {"ratio", 0.93}},
                          {{"name", "rest"}, {"connections_count", 7}, {"ratio", 0.07}}};
  count(documents, "pg.too_many_clients", 200);
}

Json with_hog() {
  Json documents = starved();
  documents["pg"]["used_count"] = 12;
  documents["pg"]["by_application"][0]["connections_count"] = 12;
  documents["pg"]["long_count"] = 10;
  documents["pg"]["statements"] = {{{"query_id", ""},
                                    {"query", "SELECT sum(x) FROM big"},
                                    {"state", "active"},
                                    {"application", "orders"},
                                    {"connections_count", 10},
                                    {"connection_seconds", 900},
                                    {"oldest_age_s", 120},
                                    {"wait_type", ""},
                                    {"wait_event", ""},
                                    {"backend_pids", {11, 12}}}};
  return documents;
}

struct Verdict {
  Json document;
  Severity severity = Severity::ok;
  Report report;
  [[nodiscard]] std::string word() const { return document["verdict"]["word"]; }
  [[nodiscard]] std::string cause() const {
    const Json& id = document["verdict"]["hypothesis"];
    return id.is_null() ? "" : id.get<std::string>();
  }
};

Verdict diagnose_documents(const Json& documents) {
  const ManualClock clock(from_epoch_seconds(1795485871));
  Session session(clock);
  const Runbook runbook = load_runbook(find_builtin("db-timeout"), "db-timeout");
  RunRequest request;
  request.inputs = {{"service", {"orders"}},
                    {"db", {"x"}},
                    {"logs", {"y"}},
                    {"target", {"z"}},
                    {"traces", {"t"}}};
  request.known_probes = {"pool", "logs", "fds", "lag", "trace"};
  const Json by_use{{"pool", documents["pg"]},
                    {"logs", documents["logs"]},
                    {"fds", documents["fds"]},
                    {"lag", documents["lag"]},
                    {"trace", documents["trace"]}};
  request.runner = [by_use](const std::string& use, const std::string& /*with*/,
                            Session& /*session*/) -> ProbeAnswer {
    if (by_use.at(use).is_null())
      return {{}, Gap{{}, "unreachable", use + " did not answer", "start it"}};
    return {dump_json(by_use.at(use)), std::nullopt};
  };
  RunOutcome outcome = run(runbook, request, session);
  return {std::move(outcome.document), outcome.severity, std::move(outcome.report)};
}

void check_first(const Json& documents, const std::string& cause) {
  CAPTURE(cause);
  const Verdict verdict = diagnose_documents(documents);
  CAPTURE(dump_json(verdict.document["hypotheses"], 1));
  CHECK(verdict.cause() == cause);
  CHECK((verdict.word() == "likely" || verdict.word() == "confirmed"));
  CHECK(verdict.severity == Severity::crit);
}

}  // namespace

TEST_CASE("db-timeout: a healthy service has no cause and leaves with 0") {
  const Verdict verdict = diagnose_documents(healthy());
  CHECK(verdict.word() == "healthy");
  CHECK(verdict.cause().empty());
  CHECK(verdict.severity == Severity::ok);
  CHECK(verdict.document["now"].empty());
}

TEST_CASE("db-timeout: a busy but healthy service is left alone") {
  Json documents = healthy();
  documents["logs"]["requests"]["rate_per_s"] = 400;
  documents["pg"]["used_count"] = 60;
  documents["pg"]["used_ratio"] = 0.62;
  count(documents, "pool.acquire_timeout", 2);
  CHECK(diagnose_documents(documents).word() == "healthy");
}

TEST_CASE("db-timeout: each cause comes first on its own documents") {
  check_first(with_hog(), "hog");

  Json leak = starved();
  leak["pg"]["used_count"] = 12;
  leak["pg"]["parked_count"] = 11;
  leak["pg"]["parked_ratio"] = 0.92;
  leak["pg"]["idle_in_transaction_oldest_s"] = 600;
  check_first(leak, "idle_transaction");

  Json traffic = starved();
  traffic["pg"]["used_count"] = 12;
  traffic["logs"]["requests"]["rate_per_s"] = 140;
  check_first(traffic, "traffic");

  Json lock = starved();
  lock["pg"]["used_count"] = 12;
  lock["pg"]["lock_waiters_count"] = 10;
  lock["pg"]["blocking"] = {{{"root_pid", 44},
                             {"root_state", "idle in transaction"},
                             {"root_application", "orders"},
                             {"root_query", "UPDATE stock SET x = ?"},
                             {"waiters_count", 10}}};
  lock["pg"]["statements"] = {{{"query", "UPDATE stock SET x = ?"},
                               {"state", "active"},
                               {"connections_count", 10},
                               {"connection_seconds", 900},
                               {"oldest_age_s", 90},
                               {"wait_type", "Lock"},
                               {"wait_event", "tuple"},
                               {"backend_pids", {1}}}};
  check_first(lock, "lock");

  Json other = healthy();
  fill_server(other, "nightly-batch");
  check_first(other, "other_client");

  Json descriptors = healthy();
  descriptors["fds"]["open_count"] = 1021;
  descriptors["fds"]["used_ratio"] = 0.997;
  count(descriptors, "fd.exhausted", 80);
  check_first(descriptors, "fd_limit");

  Json network = healthy();
  count(network, "net.connect_timeout", 300);
  network["logs"]["requests"]["error_ratio"] = 0.8;
  check_first(network, "network");
}

TEST_CASE("db-timeout: clients that are not given back are told from a pool that is too small") {
  Json leak = starved();
  states(leak, 10, 0);
  check_first(leak, "leak");
  Json small = starved();
  states(small, 1, 3);
  check_first(small, "pool_small");
}

TEST_CASE(
    "db-timeout: a deadlock, a slow server, N+1, a blocked loop and a pooler are told apart") {
  Json deadlock = healthy();
  count(deadlock, "pg.deadlock", 12);
  deadlock["logs"]["requests"]["error_ratio"] = 0.2;
  check_first(deadlock, "deadlock");

  Json slow = starved();
  states(slow, 0, 12);
  for (const char* application : {"orders", "billing", "crm"})
    slow["pg"]["statements"].push_back({{"query", std::string("SELECT ") + application},
                                        {"state", "active"},
                                        {"application", application},
                                        {"connections_count", 4},
                                        {"connection_seconds", 12},
                                        {"oldest_age_s", 4},
                                        {"wait_type", ""},
                                        {"wait_event", ""},
                                        {"backend_pids", {1}}});
  check_first(slow, "db_overload");

  Json repeated = starved();
  states(repeated, 2, 6);
  repeated["pg"]["statements"] = {{{"query", "SELECT * FROM lines WHERE id = ?"},
                                   {"state", "active"},
                                   {"application", "orders"},
                                   {"connections_count", 7},
                                   {"connection_seconds", 0.1},
                                   {"oldest_age_s", 0.01},
                                   {"wait_type", ""},
                                   {"wait_event", ""},
                                   {"backend_pids", {1}}}};
  repeated["trace"] = {{"at", "2026-11-24T02:04:20.000Z"},
                       {"repeated", {{{"operation", "SELECT"}, {"calls_count", 60}}}}};
  repeated["pg"]["usable_count"] = 10;
  check_first(repeated, "n_plus_one");

  Json blocked = starved();
  states(blocked, 4, 0);
  blocked["lag"]["wait_p99_ms"] = 1900;
  blocked["lag"]["longest_ms"] = 2400;
  blocked["pg"]["tcp"] = {{"unread_count", 4}};
  check_first(blocked, "pool_blocked_loop");

  Json pooler = healthy();
  count(pooler, "pool.pooler_timeout", 40);
  pooler["logs"]["requests"]["error_ratio"] = 0.5;
  check_first(pooler, "pooler_queue");
}

TEST_CASE("db-timeout: without the database the word is capped and the missing access is named") {
  Json documents = with_hog();
  documents["pg"] = nullptr;
  const Verdict verdict = diagnose_documents(documents);
  CHECK((verdict.word() == "possible" || verdict.word() == "inconclusive"));
  CHECK(verdict.severity == Severity::unknown);
  CHECK(verdict.document["verdict"]["capped_by"].dump().find("database was not asked") !=
        std::string::npos);
  CHECK_FALSE(verdict.document["would_settle"].empty());
  const std::string text = render_human(verdict.report, {});
  CHECK(text.find("WOULD SETTLE IT") != std::string::npos);
  CHECK(text.find("pool did not answer") != std::string::npos);
}

TEST_CASE("db-timeout: without the logs the word is capped") {
  Json documents = with_hog();
  fill_server(documents, "orders");
  documents["pg"]["statements"][0]["connections_count"] = 60;
  documents["logs"] = nullptr;
  const Verdict verdict = diagnose_documents(documents);
  CHECK(verdict.word() == "possible");
  CHECK(verdict.cause() == "hog");
  CHECK(verdict.severity == Severity::unknown);
}

TEST_CASE("db-timeout: no symptom but no logs either is unknown, never healthy") {
  Json documents = healthy();
  documents["logs"] = nullptr;
  const Verdict verdict = diagnose_documents(documents);
  CHECK(verdict.word() == "inconclusive");
  CHECK(verdict.severity == Severity::unknown);
}

TEST_CASE("db-timeout: nothing answered gives a report and no cause") {
  Json documents{
      {"pg", nullptr}, {"logs", nullptr}, {"fds", nullptr}, {"lag", nullptr}, {"trace", nullptr}};
  const Verdict verdict = diagnose_documents(documents);
  CHECK(verdict.word() == "inconclusive");
  CHECK(verdict.document["gaps"].size() == 5);
}

TEST_CASE("db-timeout: the report leads with the verdict and says what it rests on") {
  const Verdict verdict = diagnose_documents(with_hog());
  CHECK(verdict.document["verdict"]["chain"].get<std::string>().find(
            "one statement in 10 backends") != std::string::npos);
  CHECK(verdict.document["now"][1]["cmd"].get<std::string>().find("pid IN (11, 12)") !=
        std::string::npos);
  bool sourced = false;
  for (const auto& evidence : verdict.document["evidence"])
    if (evidence["id"] == "long_statement")
      sourced = evidence["provenance"][0]["repeat"] == "psql -c 'SELECT 1'";
  CHECK(sourced);
  const std::string text = render_human(verdict.report, {});
  for (const char* part :
       {"CONFIRMED  One slow statement", "NOW", "DON'T", "EVIDENCE", "rests on: ", "TIMELINE",
        "01:31:07  first wait", "LATER", "metrics (request and error"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part << " in\n" << text);
  CHECK(text.find("CONFIRMED") < text.find("NOW"));
}
