#include "lib/backends/jaeger.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/net/http.h"
#include "tests/support/http_server.h"

namespace {

using namespace triage;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

/// Everything that one question needs, against a server of the test's own.
struct Asked {
  explicit Asked(HttpServer::Handler handler)
      : server(std::move(handler)), session(clock), client(server.address(), options(), session) {}

  static net::ClientOptions options() {
    net::ClientOptions options;
    options.name = "Jaeger";
    options.retries = 0;
    options.headers = {{"x-tenant", "acme"}};
    return options;
  }

  traces::SpanTable search(const backends::TraceQuery& query) {
    traces::SpanTableBuilder builder;
    jaeger.search(query, builder);
    return builder.take();
  }
  traces::SpanTable fetch(const std::vector<std::string>& ids) {
    traces::SpanTableBuilder builder;
    jaeger.fetch(ids, builder);
    return builder.take();
  }

  HttpServer server;
  SystemClock clock;
  Session session;
  net::HttpClient client;
  std::vector<Gap> gaps;
  backends::Jaeger jaeger{client, gaps};
};

backends::TraceQuery slow_gateway() {
  backends::TraceQuery query;
  query.service = "api-gateway";
  query.from = parse_rfc3339("2026-11-24T06:56:46.825Z");
  query.to = parse_rfc3339("2026-11-24T06:58:17.609Z");
  query.shortest = std::chrono::milliseconds(500);
  query.limit = 3;
  return query;
}

ErrorCode code_of(HttpServer::Handler handler) {
  Asked asked(std::move(handler));
  try {
    asked.search(slow_gateway());
  } catch (const Error& error) {
    CHECK(!std::string(error.what()).empty());
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.code();
  }
  return ErrorCode::internal;
}

HttpServer::Handler always(int status, const std::string& body) {
  return [=](const ReceivedRequest& /*request*/) {
    ScriptedAnswer answer;
    answer.status = status;
    answer.body = body;
    return answer;
  };
}

}  // namespace

TEST_CASE("jaeger: a recorded search of /api/v3 is asked as recorded and read whole") {
  Asked asked(testing::recorded_answers("jaeger"));
  const auto spans = asked.search(slow_gateway());
  CHECK(spans.trace_ids.size() == 3);
  CHECK(spans.size() == 31);
  const auto requests = asked.server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].path == "/api/v3/traces");
  CHECK(requests[0].parameter("query.duration_min") == "500ms");
  CHECK(requests[0].header("x-tenant") == "acme");
}

TEST_CASE("jaeger: where v3 is absent v1 is asked, in microseconds") {
  const auto recorded = testing::recorded_answers("jaeger");
  Asked asked([&](const ReceivedRequest& request) {
    ScriptedAnswer answer;
    answer.status = 404;
    answer.body = "404 page not found\n";
    if (request.path != "/api/traces") return answer;
    ReceivedRequest by_id = request;
    by_id.path = "/api/traces/cbfc6e75f0672e6bdb33a7c1953ad77c";
    by_id.parameters.clear();
    return recorded(by_id);
  });
  CHECK(asked.search(slow_gateway()).size() == 12);
  const auto requests = asked.server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].parameter("service") == "api-gateway");
  CHECK(requests[1].parameter("start") == "1795503406825000");
  CHECK(requests[1].parameter("end") == "1795503497609000");
  CHECK(requests[1].parameter("minDuration") == "500ms");
  CHECK(requests[1].parameter("limit") == "3");
}

TEST_CASE("jaeger: nothing found is an empty answer in v3, not an error") {
  Asked asked(always(404, R"({"error":{"httpCode":404,"message":"No traces found"}})"));
  CHECK(asked.search(slow_gateway()).size() == 0);
}

TEST_CASE("jaeger: traces by id, one of them unknown, which is a gap") {
  Asked asked(testing::recorded_answers("jaeger"));
  const auto spans =
      asked.fetch({"CBFC6E75F0672E6BDB33A7C1953AD77C", "123456789abcdef0123456789abcdef"});
  CHECK(spans.trace_ids.size() == 1);
  CHECK(spans.size() == 12);
  REQUIRE(asked.gaps.size() == 1);
  CHECK(asked.gaps[0].why.find("No traces found") != std::string::npos);
  CHECK_THROWS_AS(asked.fetch({"0123456789abcdef0123456789abcdef"}), Error);
  CHECK_THROWS_AS(asked.fetch({"not-hex"}), Error);
}

TEST_CASE("jaeger: services and dependencies") {
  Asked asked(testing::recorded_answers("jaeger"));
  auto services = asked.jaeger.services();
  std::sort(services.begin(), services.end());
  CHECK(services == std::vector<std::string>{"api-gateway", "inventory", "order-processor"});
  const auto edges = asked.jaeger.dependencies(from_epoch_seconds(1795503800.938),
                                               std::chrono::milliseconds(524116));
  REQUIRE(edges.size() == 3);
  CHECK(std::count_if(edges.begin(), edges.end(), [](const backends::Dependency& edge) {
          return edge.caller == "api-gateway" && edge.callee == "order-processor" &&
                 edge.calls_count == 3511;
        }) == 1);
}

TEST_CASE("jaeger: summaries list traces with their durations") {
  Asked asked(testing::recorded_answers("jaeger"));
  auto query = slow_gateway();
  query.limit = 20;
  const auto all = asked.jaeger.summaries(query);
  REQUIRE(all.size() == 20);
  CHECK(all[0].trace_id == "707d12544b6e3247cbc007e1eec03edc");
  CHECK(all[0].duration_ms == doctest::Approx(686.356585));
  Asked old(always(404, "404 page not found\n"));
  CHECK_THROWS_AS(old.jaeger.summaries(query), Error);
}

TEST_CASE("jaeger: each recorded error is one line of its own kind") {
  CHECK(code_of(always(400, R"({"error":{"httpCode":400,"message":"malformed parameter"}})")) ==
        ErrorCode::usage);
  CHECK(code_of(always(401, "missing tenant header")) == ErrorCode::refused);
  CHECK(code_of(always(404, "404 page not found\n")) == ErrorCode::not_found);
  CHECK(
      code_of(always(
          500,
          R"({"data":null,"errors":[{"code":500,"msg":"archive span storage was not configured"}]})")) ==
      ErrorCode::unreachable);
  CHECK(code_of(always(200, "<!doctype html><title>Sign in</title>")) == ErrorCode::malformed);
  CHECK(code_of(always(200, "no JSON")) == ErrorCode::malformed);
  CHECK(code_of(always(200, R"({"status":"success","data":{"resultType":"vector"}})")) ==
        ErrorCode::malformed);
}

TEST_CASE("jaeger: a server with neither search is asked as Tempo is, and gives OTLP by id") {
  Asked asked([](const ReceivedRequest& request) {
    ScriptedAnswer answer;
    answer.status = 404;
    answer.body = "404 page not found\n";
    if (request.path == "/api/search") {
      answer.status = 200;
      answer.body =
          R"({"traces":[{"traceID":"2f3e0cee77ae5dc9c17ade3689eb2e54","durationMs":557}]})";
    } else if (request.path == "/api/traces/2f3e0cee77ae5dc9c17ade3689eb2e54") {
      CHECK(request.header("accept") == "application/json");
      answer.status = 200;
      answer.body =
          R"({"batches":[{"resource":{"attributes":[{"key":"service.name","value":)"
          R"({"stringValue":"api-gateway"}}]},"scopeSpans":[{"spans":[{"traceId":)"
          R"("2f3e0cee77ae5dc9c17ade3689eb2e54","spanId":"d8e9feee52c8b9d4","name":"GET /",)"
          R"("startTimeUnixNano":"1795503406825000000","endTimeUnixNano":"1795503407325000000"}]}]}]})";
    } else if (request.path == "/api/search/tag/service.name/values") {
      answer.status = 200;
      answer.body = R"({"tagValues":["api-gateway","orders"]})";
    }
    return answer;
  });
  auto query = slow_gateway();
  query.operation = "GET \"x\"";
  query.tags = {{"error", "true"}, {"http.method", "GET"}};
  CHECK(asked.search(query).size() == 1);
  const auto requests = asked.server.requests();
  const auto search = std::find_if(requests.begin(), requests.end(), [](const auto& request) {
    return request.path == "/api/search";
  });
  REQUIRE(search != requests.end());
  CHECK(search->parameter("q") ==
        R"({resource.service.name="api-gateway" && name="GET \"x\"" && duration>=500ms && )"
        R"(status=error && .http.method="GET"})");
  CHECK(search->parameter("start") == "1795503406");
  CHECK(search->parameter("end") == "1795503498");
  CHECK(asked.jaeger.services() == std::vector<std::string>{"api-gateway", "orders"});
}
