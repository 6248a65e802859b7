#include "lib/traces/patterns.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "lib/traces/clock_skew.h"
#include "lib/traces/summarise.h"
#include "tests/traces/span_texts.h"

namespace {

using namespace triage::traces;

/// Zipkin spans of one trace after the other; times in milliseconds.
class Traces {
 public:
  explicit Traces(std::string trace = "1") : trace_(std::move(trace)) {}

  void trace(int number) { trace_ = test::hex(number); }
  /// `rest`: further members, such as ,"tags":{..}.
  void span(int id, int parent, const std::string& name, int start_ms, int duration_ms,
            const std::string& service = "shop", const std::string& kind = "CLIENT",
            const std::string& rest = "") {
    if (!text_.empty()) text_ += ",";
    text_ += fmt::format(
        R"({{"traceId":"{}","id":"{:x}",{}"name":"{}","kind":"{}","timestamp":{},"duration":{},)"
        R"("localEndpoint":{{"serviceName":"{}","ipv4":"{}"}}{}}})",
        trace_, id, parent == 0 ? "" : fmt::format(R"("parentId":"{:x}",)", parent), name, kind,
        (start_ms + 1'000'000) * 1000LL, duration_ms * 1000LL, service, service + "-host", rest);
  }
  [[nodiscard]] Forest forest() const { return test::read_forest("[" + text_ + "]"); }

 private:
  std::string trace_;
  std::string text_;
};

const std::string by_id =
    R"(,"tags":{"db.system":"postgresql","db.statement":"SELECT * FROM item WHERE id = 17"})";
const std::string boom = R"(,"tags":{"error":"connect ECONNREFUSED"})";

}  // namespace

TEST_CASE("patterns: equal queries of one parent are repeated calls, a fan-out is not") {
  Traces loop;
  loop.span(1, 0, "GET /cart", 0, 100, "shop", "SERVER");
  for (int i = 0; i < 8; ++i) loop.span(10 + i, 1, "select", 10 * i, 9, "shop", "CLIENT", by_id);
  const auto rows = repeated_calls(loop.forest());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].median_count == 8);
  CHECK(rows[0].detail == "SELECT * FROM item WHERE id = ?");
  CHECK(rows[0].median_ms == doctest::Approx(72));
  CHECK(rows[0].path_ratio == doctest::Approx(0.72));

  Traces fan;
  fan.span(1, 0, "GET /cart", 0, 100, "shop", "SERVER");
  for (int i = 0; i < 8; ++i) fan.span(10 + i, 1, "select", i, 90, "shop", "CLIENT", by_id);
  CHECK(repeated_calls(fan.forest()).empty());
}

TEST_CASE("patterns: attempts after a failure are retries of one call") {
  Traces traces;
  for (int trace = 1; trace <= 4; ++trace) {
    traces.trace(trace);
    traces.span(1, 0, "GET /", 0, 400, "shop", "SERVER");
    traces.span(2, 1, "get stock", 0, 50, "shop", "CLIENT", trace == 1 ? "" : boom);
    if (trace == 1) continue;
    traces.span(3, 1, "get stock", 150, 50, "shop", "CLIENT", boom);
    traces.span(4, 1, "get stock", 400, 50);
  }
  const auto rows = retries(traces.forest());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].calls_count == 4);
  CHECK(rows[0].attempts_count == 10);
  CHECK(rows[0].amplification_ratio == doctest::Approx(2.5));
  CHECK(rows[0].recovered_count == 3);
  CHECK(rows[0].max_attempts == 3);
  CHECK(rows[0].backoff == "growing");
}

TEST_CASE("patterns: different reads one after the other could run together, writes could not") {
  const auto forest_of = [](const std::string& second) {
    Traces traces;
    for (int trace = 1; trace <= 3; ++trace) {
      traces.trace(trace);
      traces.span(1, 0, "GET /", 0, 100, "shop", "SERVER");
      traces.span(2, 1, "select", 10, 40, "shop", "CLIENT", by_id);
      traces.span(3, 1, "other", 51, 30, "shop", "CLIENT",
                  R"(,"tags":{"db.system":"postgresql","db.statement":")" + second + "\"}");
    }
    return traces.forest();
  };
  const auto rows = sequential_calls(forest_of("SELECT 1 FROM price"));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].traces_count == 3);
  CHECK(rows[0].saving_ms == doctest::Approx(30));
  CHECK(sequential_calls(forest_of("UPDATE item SET n = 1")).empty());
}

TEST_CASE("patterns: a failure begins at the deepest failed span") {
  Traces traces;
  traces.span(1, 0, "GET /", 0, 100, "shop", "SERVER", R"(,"tags":{"http.status_code":"502"})");
  traces.span(2, 1, "get", 1, 90, "shop", "CLIENT", R"(,"tags":{"error":"true"})");
  traces.span(3, 2, "GET /stock", 2, 80, "stock", "SERVER", R"(,"tags":{"error":"true"})");
  traces.span(4, 3, "pg.connect", 3, 70, "stock", "CLIENT",
              R"(,"remoteEndpoint":{"serviceName":"db"},"tags":{"error":"timeout 12345678"})");
  const auto rows = failure_origins(traces.forest());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].operation == "pg.connect");
  CHECK(rows[0].callee == "db");
  CHECK(rows[0].error == "timeout *");
  CHECK(rows[0].reached_root_count == 1);
}

TEST_CASE("patterns: a span that blocks the loop is named for the calls that wait meanwhile") {
  Traces traces;
  for (int trace = 1; trace <= 30; ++trace) {
    const int at = trace * 1000;
    traces.trace(trace);
    traces.span(1, 0, "GET /", at, 500, "shop", "CLIENT");
    traces.span(2, 1, "GET /stock", at + 400, 90, "stock", "SERVER");
    traces.trace(trace + 100);
    traces.span(3, 0, "GET /report", at - 10, 420, "stock", "SERVER");
    traces.span(4, 3, "render", at, 400, "stock", "");
  }
  const Forest forest = traces.forest();
  const auto rows = waits(forest, critical_paths(forest));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].service == "stock");
  CHECK(rows[0].before_p95_ms == doctest::Approx(400));
  CHECK(rows[0].meanwhile == "render");
  CHECK(rows[0].meanwhile_ratio == doctest::Approx(1));
  REQUIRE(rows[0].before_silent_ratio);
  CHECK(*rows[0].before_silent_ratio == doctest::Approx(1));
  // the time before the handler is the callee's, not the caller's
  const auto places = operations(forest, critical_paths(forest));
  CHECK(places[0].operation != "GET /");
}

TEST_CASE("patterns: one trace cannot say that a loop was blocked") {
  Traces traces;
  traces.span(1, 0, "GET /", 0, 500, "shop", "CLIENT");
  traces.span(2, 1, "GET /stock", 400, 90, "stock", "SERVER");
  const Forest forest = traces.forest();
  const auto rows = waits(forest, critical_paths(forest));
  REQUIRE(!rows.empty());
  CHECK(rows[0].before_p95_ms == doctest::Approx(400));
  CHECK(!rows[0].before_silent_ratio);
}

TEST_CASE("clock skew: a callee that starts before its caller is moved, with all below it") {
  Traces traces;
  for (int trace = 1; trace <= 10; ++trace) {
    const int at = trace * 1000;
    traces.trace(trace);
    traces.span(1, 0, "get", at, 100, "shop", "CLIENT");
    traces.span(2, 1, "GET /stock", at - 5000 + 10, 80, "stock", "SERVER");
    traces.span(3, 2, "get price", at - 5000 + 20, 60, "stock", "CLIENT");
    traces.span(4, 3, "GET /price", at + 30, 40, "price", "SERVER");
  }
  Forest forest = traces.forest();
  const auto offsets = correct_clock_skew(forest);
  REQUIRE(offsets.size() == 2);
  CHECK(offsets[0].offset_ns == 5'000'000'000);
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex first = forest.first(trace);
    CHECK(forest.spans().start_ns[first + 1] == forest.spans().start_ns[first] + 10'000'000);
    CHECK(forest.spans().start_ns[first + 2] == forest.spans().start_ns[first] + 20'000'000);
    CHECK(forest.spans().start_ns[first + 3] == forest.spans().start_ns[first] + 30'000'000);
  }
  CHECK(count_impossible_order(forest) == 0);
}

TEST_CASE("clock skew: a callee that only starts late is waiting, not skew") {
  Traces traces;
  for (int trace = 1; trace <= 10; ++trace) {
    traces.trace(trace);
    traces.span(1, 0, "get", trace * 1000, 500, "shop", "CLIENT");
    traces.span(2, 1, "GET /stock", trace * 1000 + 480, 15, "stock", "SERVER");
  }
  Forest forest = traces.forest();
  CHECK(correct_clock_skew(forest).empty());
}

TEST_CASE("comparison: the operation that makes traces slow is found, with what it costs") {
  Traces traces;
  for (int trace = 1; trace <= 40; ++trace) {
    const bool slow = trace > 34;
    traces.trace(trace);
    traces.span(1, 0, "GET /", 0, (slow ? 1100 : 100) + trace % 5, "shop", "SERVER");
    traces.span(2, 1, "select", 10, slow ? 1000 : 5, "shop", "CLIENT", by_id);
    traces.span(3, 1, "get", slow ? 1020 : 20, 40 + trace % 7);
  }
  const Forest forest = traces.forest();
  const auto all = compare_slow(forest, critical_paths(forest), 500);
  REQUIRE(all.size() == 1);
  CHECK(all[0].slow_count == 6);
  REQUIRE(!all[0].differences.empty());
  CHECK(all[0].differences[0].operation == "select");
  CHECK(all[0].differences[0].gap_ratio == doctest::Approx(0.99).epsilon(0.05));
  CHECK(all[0].differences[0].p_value < 0.01);
  CHECK(all[0].differences[0].median_if_normal_ms < 150);
}

TEST_CASE("dependencies: a call counts once, a database without spans is external") {
  Traces traces;
  for (int trace = 1; trace <= 4; ++trace) {
    traces.trace(trace);
    traces.span(1, 0, "GET /", 0, 100, "shop", "SERVER");
    traces.span(2, 1, "get", 10, 80, "shop", "CLIENT");
    traces.span(3, 2, "GET /stock", 20, 60, "stock", "SERVER");
    traces.span(4, 3, "select", 30, 40, "stock", "CLIENT",
                R"(,"remoteEndpoint":{"serviceName":"db"},"tags":{"error":"true"})");
  }
  const auto rows = dependencies(traces.forest());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].caller == "shop");
  CHECK(rows[0].callee == "stock");
  CHECK(rows[0].calls_count == 4);
  CHECK(rows[0].median_ms == doctest::Approx(80));
  CHECK(rows[1].callee == "db");
  CHECK(rows[1].kind == "external");
  CHECK(rows[1].failed_ratio == 1);
}
