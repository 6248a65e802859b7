#include "lib/backends/prometheus.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/http_server.h"

using namespace triage;
using backends::parse_query_answer;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

namespace {

net::Response response_of(const std::string& body, int status = 200) {
  net::Response response;
  response.status = status;
  response.body = body;
  return response;
}

ErrorCode code_of(const std::string& body, int status = 200) {
  try {
    parse_query_answer(response_of(body, status), "up");
  } catch (const Error& error) {
    CHECK_FALSE(error.remedy().empty());
    return error.code();
  }
  return ErrorCode::internal;
}

struct Fixture {
  SystemClock clock;
  Session session{clock};
};

}  // namespace

TEST_CASE("prometheus: NaN and infinities are values, a missing sample is no point") {
  const auto answer = parse_query_answer(
      response_of(R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":)"
                  R"({"__name__":"x","a":"b"},"values":[[1,"NaN"],[2,"+Inf"],[4.5,"-1e-3"]]}]},)"
                  R"("warnings":["w"],"infos":["i"]})"),
      "x");
  REQUIRE(answer.series.size() == 1);
  CHECK(backends::series_name(answer.series[0].labels) == "x{a=\"b\"}");
  CHECK(answer.series[0].at_s == std::vector<double>{1, 2, 4.5});
  CHECK(std::isnan(answer.series[0].values[0]));
  CHECK(std::isinf(answer.series[0].values[1]));
  CHECK(answer.series[0].values[2] == doctest::Approx(-0.001));
  CHECK(answer.warnings == std::vector<std::string>{"w", "i"});
}

TEST_CASE("prometheus: wrong types, cut answers and pages of other programs are malformed") {
  CHECK(code_of("") == ErrorCode::malformed);
  CHECK(code_of("[]") == ErrorCode::malformed);
  CHECK(code_of("{}") == ErrorCode::malformed);
  CHECK(code_of("<!doctype html><html>") == ErrorCode::malformed);
  CHECK(
      code_of(R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}})") ==
      ErrorCode::malformed);
  CHECK(code_of(
            R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,{}]}]}})") ==
        ErrorCode::malformed);
  CHECK(
      code_of(
          R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}})") ==
      ErrorCode::malformed);
  const std::string whole =
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}})";
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(code_of(whole.substr(0, size)) == ErrorCode::malformed);
}

TEST_CASE("prometheus: recorded errors keep their meaning") {
  HttpServer server(testing::recorded_answers("prometheus"));
  Fixture fixture;
  backends::Prometheus prometheus(server.address(), {}, fixture.session);
  const auto code = [&](const std::string& query) {
    try {
      prometheus.instant(query);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  CHECK(code("sum(rate(http_requests_total[1m])") == ErrorCode::usage);
}

TEST_CASE("prometheus: native histograms come with their buckets and resolution") {
  HttpServer server(testing::recorded_answers("prometheus"));
  Fixture fixture;
  backends::Prometheus prometheus(server.address(), {}, fixture.session);
  const auto answer =
      prometheus.instant(R"(prometheus_http_request_duration_seconds{handler="/api/v1/query"})");
  REQUIRE(answer.series.size() == 1);
  REQUIRE(answer.series[0].histograms.size() == 1);
  const auto& histogram = answer.series[0].histograms[0];
  CHECK(histogram.count == 19);
  CHECK(histogram.resolution() == doctest::Approx(1.0905).epsilon(0.001));
}

TEST_CASE("prometheus: a long range is asked in parts of 11,000 points and joined") {
  HttpServer server([](const ReceivedRequest& request) {
    return ScriptedAnswer{
        200,
        {{"Date", "Tue, 24 Nov 2026 07:03:50 GMT"}},
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},)"
        R"("values":[[)" +
            request.parameter("start") + R"(,"1"]]}]}})",
        {}};
  });
  Fixture fixture;
  backends::Prometheus prometheus(server.address(), {}, fixture.session);
  const auto answer = prometheus.range("x", 1000, 1000 + 25'000, 1);
  CHECK(server.requests().size() == 3);
  REQUIRE(answer.series.size() == 1);
  CHECK(answer.series[0].at_s == std::vector<double>{1000, 12000, 23000});
  CHECK(prometheus.clock_offset_s().has_value());
}
