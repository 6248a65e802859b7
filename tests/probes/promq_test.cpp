#include "lib/probes/promq.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/http_server.h"

using namespace triage;
using namespace triage::probes;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

namespace {

promq::Curve curve_with(std::vector<std::optional<double>> values) {
  return {"x", {}, 1000, 15, std::move(values)};
}

promq::Sample collect(const HttpServer& server, promq::Options options) {
  static const SystemClock clock;
  Session session(clock);
  options.source.prometheus = server.address();
  return promq::collect(options, session);
}

}  // namespace

TEST_CASE("promq: missing scrapes are gaps in the curve, not zeros") {
  backends::TimeSeries series;
  series.at_s = {1000, 1015, 1060};
  series.values = {1, 2, std::nan("")};
  const auto curve = promq::curve_of(series, {1000, 1060, 15});
  CHECK(curve.values ==
        std::vector<std::optional<double>>{1.0, 2.0, std::nullopt, std::nullopt, std::nullopt});
  const auto row = promq::row_of(curve);
  CHECK(row.points_count == 2);
  CHECK(row.missing_count == 3);
  CHECK(row.least == 1);
}

TEST_CASE("promq: the onset of a step comes with an interval of at least one scrape") {
  std::vector<std::optional<double>> values;
  for (int i = 0; i < 40; ++i) values.emplace_back((i < 25 ? 1.0 : 9.0) + 0.1 * (i % 3));
  const auto row = promq::row_of(curve_with(values));
  REQUIRE(row.onset_s);
  CHECK(*row.onset_s == 1000 + 25 * 15);
  CHECK(*row.onset_to_s - *row.onset_from_s >= 15);
  CHECK(row.anomaly_score.value_or(0) > 10);
}

TEST_CASE("promq: no data is unknown, never ok") {
  HttpServer server([](const ReceivedRequest&) {
    return ScriptedAnswer{
        200, {}, R"({"status":"success","data":{"resultType":"matrix","result":[]}})", {}};
  });
  promq::Options options;
  options.query = "absent_metric";
  const auto sample = collect(server, options);
  CHECK(promq::analyse(options, sample).envelope.severity == Severity::unknown);
}

TEST_CASE("promq: a plan sends nothing") {
  HttpServer server([](const ReceivedRequest&) { return ScriptedAnswer{}; });
  promq::Options options;
  options.query = "up";
  options.plan = true;
  options.source.since = std::chrono::hours(24 * 30);
  options.source.step = std::chrono::seconds(15);
  const auto sample = collect(server, options);
  CHECK(server.requests().empty());
  REQUIRE_FALSE(sample.plan.empty());
  CHECK(sample.plan[0].rfind("16 range requests", 0) == 0);
}

TEST_CASE("promq: series beyond the limit are counted, and a clock an hour off is said") {
  HttpServer server([](const ReceivedRequest& request) {
    const std::string at = request.parameter("start");
    std::string body = R"({"status":"success","data":{"resultType":"matrix","result":[)";
    for (int i = 0; i < 5; ++i)
      body += (i == 0 ? "" : ",") + std::string(R"({"metric":{"i":")") + std::to_string(i) +
              R"("},"values":[[)" + at + R"(,"1"]]})";
    return ScriptedAnswer{200, {{"Date", "Tue, 24 Nov 2020 07:03:50 GMT"}}, body + "]}}", {}};
  });
  promq::Options options;
  options.query = "x";
  options.most_series = 2;
  const auto sample = collect(server, options);
  const auto result = promq::analyse(options, sample);
  CHECK(result.rows.size() == 2);
  CHECK(result.left_off_count == 3);
  bool clock = false;
  for (const auto& finding : result.envelope.findings) clock = clock || finding.id == "clock_off";
  CHECK(clock);
}

TEST_CASE("promq: names of series break at blanks, and say once what all have in common") {
  const auto names = promq::short_names(
      {R"(up{instance="a:1",job="x, y",zone="1"})", R"(up{instance="b:1",job="x, y",zone="1"})"});
  CHECK(names.common == R"(job="x, y", zone="1")");
  CHECK(names.names[0] == R"(up {instance="a:1"})");
  CHECK(promq::short_names({R"(up{a="\"}",b="2"})"}).names[0] == R"(up {a="\"}", b="2"})");
  CHECK(promq::short_names({R"(rate(x{a="1"}[1m]) {b="2"})"}).names[0] ==
        R"(rate(x{a="1"}[1m]) {b="2"})");
  CHECK(promq::short_names({"{}"}).names[0] == "{}");
}

TEST_CASE("promq: the bucket of a quantile is told, and that of +Inf has no end") {
  const std::vector<double> bounds = promq::bounds_of({"+Inf", "0.5", "0.1", "2.5", "x"});
  CHECK(bounds == std::vector<double>{0.1, 0.5, 2.5});
  CHECK(promq::bucket_text(*promq::bucket_of(0.3, bounds)) == "0.1 to 0.5");
  CHECK(promq::bucket_text(*promq::bucket_of(0.05, bounds)) == "0 to 0.1");
  CHECK(promq::bucket_text(*promq::bucket_of(2.5, bounds)) == "at least 2.5");
  CHECK_FALSE(promq::bucket_of(1, {}).has_value());
}

TEST_CASE("promq: --baseline takes a list, and refuses what is no duration") {
  CHECK(promq::offsets_of({"24h, 7d", "1h"}) == std::vector<std::string>{"24h", "7d", "1h"});
  CHECK_THROWS_AS(promq::offsets_of({"yesterday"}), triage::Error);
  CHECK_THROWS_AS(promq::offsets_of({"0s"}), triage::Error);
}
