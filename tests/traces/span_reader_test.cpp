#include "lib/traces/span_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/traces/span_texts.h"

namespace {

using namespace triage::traces;

/// The body of a recorded answer.
std::string recorded(const std::string& name) {
  const auto recording = nlohmann::json::parse(
      test::read_file(std::string(TRIAGE_SOURCE_DIR "/tests/data/jaeger/") + name + ".json"));
  return recording["response"]["body_text"];
}

using Row = std::tuple<std::uint64_t, std::uint64_t, std::string, std::string, std::int64_t,
                       std::string, int, bool>;

std::vector<Row> rows_of(const SpanTable& spans) {
  std::vector<Row> rows;
  for (SpanIndex i = 0; i < spans.size(); ++i)
    rows.emplace_back(spans.id[i], spans.parent_id[i], spans.texts[spans.service(i)],
                      spans.texts[spans.operation[i]], spans.start_ns[i] / 1000,
                      spans.texts[spans.detail[i]], static_cast<int>(spans.kind[i]),
                      spans.is(i, failed));
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

TEST_CASE("span reader: one trace is the same from Jaeger's v1 and v3 answers") {
  const auto v1 = rows_of(test::read_spans(recorded("021-trace-by-id")));
  const auto v3 = rows_of(test::read_spans(recorded("051-v3-trace")));
  REQUIRE(v1.size() == 12);
  CHECK(v1 == v3);
  const auto insert = std::find_if(v1.begin(), v1.end(), [](const Row& row) {
    return std::get<3>(row) == "pg.query:INSERT shop";
  });
  REQUIRE(insert != v1.end());
  CHECK(std::get<2>(*insert) == "order-processor");
  CHECK(std::get<5>(*insert) ==
        "insert into orders(sku, qty, created) values ($1,$2,now()) returning id");
  CHECK(std::get<6>(*insert) == static_cast<int>(SpanKind::client));
}

TEST_CASE("span reader: the error of a failed span is its exception") {
  const SpanTable spans = test::read_spans(recorded("023-trace-by-id-error"));
  std::vector<std::string> errors;
  for (SpanIndex i = 0; i < spans.size(); ++i)
    if (spans.is(i, failed)) errors.emplace_back(spans.texts[spans.error[i]]);
  CHECK(std::count_if(errors.begin(), errors.end(), [](const std::string& text) {
          return text.find("timeout") != std::string::npos;
        }) > 0);
}

TEST_CASE("span reader: a Jaeger answer cut at any byte gives only whole spans") {
  const std::string body = recorded("022-trace-by-id-slow");
  const auto whole = rows_of(test::read_spans(body));
  for (std::size_t size = 0; size < body.size(); size += 37) {
    triage::JsonCursor cursor(triage::read_from(std::string_view(body).substr(0, size)));
    SpanTableBuilder builder;
    SpanReader(cursor, builder).read();
    CHECK((size == 0 || !cursor.whole()));
    const auto rows = rows_of(builder.take());
    CHECK(std::includes(whole.begin(), whole.end(), rows.begin(), rows.end()));
  }
}

TEST_CASE("span reader: traces before the cut survive it") {
  const std::string trace = R"({"spans":[{"traceID":"1","spanID":"1","startTime":1,"duration":1,)"
                            R"("processID":"p"}],"processes":{"p":{"serviceName":"s"}}},)";
  CHECK(test::read_spans(R"({"data":[)" + trace + trace.substr(0, trace.size() - 4)).size() == 1);
}

TEST_CASE("span reader: tags are read in any order of their members") {
  const SpanTable spans = test::read_spans(
      R"({"processes":{"p":{"serviceName":"s","tags":[{"value":"nodejs","key":"telemetry.sdk.language"}]}},
      "spans":[{"tags":[{"value":503,"type":"int64","key":"http.status_code"}],"processID":"p",
                "spanID":"1","traceID":"1"}]})");
  REQUIRE(spans.size() == 1);
  CHECK(spans.http_status[0] == 503);
  CHECK(spans.is(0, failed));
  CHECK(spans.processes[spans.process[0]].node);
}

TEST_CASE("span reader: the two halves of a Zipkin call are parent and child") {
  const Forest forest = test::read_forest(R"([[
    {"traceId":"5af7183fb1d4cf5f","id":"1","kind":"SERVER","name":"get /","timestamp":1000,
     "duration":900,"localEndpoint":{"serviceName":"front"}},
    {"traceId":"5af7183fb1d4cf5f","parentId":"1","id":"2","kind":"CLIENT","name":"get /api",
     "timestamp":1100,"duration":500,"localEndpoint":{"serviceName":"front"},
     "tags":{"error":"boom","http.status_code":"500"}},
    {"traceId":"5af7183fb1d4cf5f","parentId":"1","id":"2","kind":"SERVER","shared":true,
     "name":"get /api","timestamp":1200,"duration":300,"localEndpoint":{"serviceName":"back"}},
    {"traceId":"5af7183fb1d4cf5f","parentId":"2","id":"3","name":"work","timestamp":1250,
     "duration":100,"localEndpoint":{"serviceName":"back"}}]])");
  CHECK(forest.trace_count() == 1);
  CHECK(forest.main_root(0) == 0);
  CHECK(forest.parent(1) == 0);
  CHECK(forest.parent(2) == 1);
  CHECK(forest.parent(3) == 2);
  CHECK(forest.spans().is(1, failed));
  CHECK(forest.spans().texts[forest.spans().error[1]] == "boom");
  CHECK(forest.spans().start_ns[3] == 1'250'000);
}

TEST_CASE("span reader: OTLP lines of a file, ids in base64 as Tempo writes them") {
  const std::string line =
      R"({"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},)"
      R"("scopeSpans":[{"spans":[{"traceId":"y/xudfBnLmvbM6fBlTrXfA==","spanId":"NGMvXnbEtZ0=",)"
      R"("name":"x","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"5000","endTimeUnixNano":"9000",)"
      R"("status":{"code":"STATUS_CODE_ERROR","message":"broken"}}]}]}]})";
  const SpanTable spans = test::read_spans(line + "\n" + line + "\n");
  REQUIRE(spans.size() == 2);
  CHECK(spans.trace_id(0) == "cbfc6e75f0672e6bdb33a7c1953ad77c");
  CHECK(spans.span_id(0) == "34632f5e76c4b59d");
  CHECK(spans.duration_ns[0] == 4000);
  CHECK(spans.kind[1] == SpanKind::server);
  CHECK(spans.texts[spans.error[1]] == "broken");
}

TEST_CASE("span reader: only the wanted traces are kept, leading zeros or not") {
  triage::JsonCursor cursor(triage::read_from(
      R"([{"traceId":"00000000000000000000000000000abc","id":"1"},{"traceId":"abd","id":"2"}])"));
  SpanTableBuilder builder;
  builder.keep_only({"ABC"});
  SpanReader(cursor, builder).read();
  CHECK(builder.take().size() == 1);
}

TEST_CASE("forest: duplicates, orphans and circles are told apart") {
  const Forest forest = test::read_forest(R"([
    {"traceId":"1","id":"1","duration":10},{"traceId":"1","id":"1","duration":10},
    {"traceId":"1","id":"2","parentId":"77","duration":5},
    {"traceId":"2","id":"3","parentId":"4"},{"traceId":"2","id":"4","parentId":"3"},
    {"traceId":"1","id":"5","parentId":"5"}])");
  CHECK(forest.oddities().duplicate_spans == 1);
  CHECK(forest.oddities().orphan_spans == 1);
  CHECK(forest.oddities().circular_spans == 2);
  CHECK(forest.oddities().traces_without_root == 1);
  CHECK(forest.oddities().traces_with_several_roots == 1);
  CHECK(forest.main_root(1) == none);
  CHECK(forest.spans().id[forest.main_root(0)] == 1);
}
