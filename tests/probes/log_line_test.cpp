#include "lib/probes/log_line.h"

#include <doctest/doctest.h>

#include "lib/base/clock.h"
#include "lib/probes/log_time.h"

using namespace triage::probes::logs;

namespace {

/// 2026-11-24T12:00:00Z
constexpr std::int64_t reference_ms = 1795521600000;

std::string time_of(std::string_view text) {
  const auto time = leading_time(text, reference_ms);
  return time ? triage::to_rfc3339(triage::from_epoch_seconds(static_cast<double>(time->ms) / 1000))
              : "none";
}

}  // namespace

TEST_CASE("log_line: times of every logger are read") {
  CHECK(time_of("2026-11-24T02:04:31.123Z x") == "2026-11-24T02:04:31.123Z");
  CHECK(time_of("2026-11-24T02:04:31.123456789+01:00") == "2026-11-24T01:04:31.123Z");
  CHECK(time_of("2026-11-24 02:04:31,5 -0500 x") == "2026-11-24T07:04:31.500Z");
  CHECK(time_of("2026-11-24 02:04:31 x") == "2026-11-24T02:04:31.000Z");
  CHECK(time_of("2026-11-24 02:04:31.123 UTC [77]") == "2026-11-24T02:04:31.123Z");
  CHECK(time_of("2026-11-24 02:04:31.123 CET [77]") == "2026-11-24T01:04:31.123Z");
  CHECK(time_of("[2026/11/24 02:04:31] x") == "2026-11-24T02:04:31.000Z");
  CHECK(time_of("Nov 24 02:04:31 host app[1]: x") == "2026-11-24T02:04:31.000Z");
  CHECK(time_of("Nov  4 02:04:31 host") == "2026-11-04T02:04:31.000Z");
}

TEST_CASE("log_line: a date of syslog that would lie ahead is of the year before") {
  CHECK(time_of("Dec 31 23:59:59 host") == "2025-12-31T23:59:59.000Z");
}

TEST_CASE("log_line: what only looks like a time is none") {
  for (const std::string_view text :
       {"", "2", "2026-13-24 02:04:31", "2026-02-30 02:04:31", "2026-11-24 25:04:31", "2026-11-24",
        "2026-11-24T02:04", "Now 24 02:04:31", "10.0.0.1 - - x", "Error: x"})
    CHECK(time_of(text) == "none");
}

TEST_CASE("log_line: pino gives level, time, message, error and request") {
  const auto line = parse_line(
      R"({"level":50,"time":1795485871123,"req":{"method":"GET","url":"/a/1?x=\"2\"","headers":{"status":999}},)"
      R"("res":{"statusCode":503},"responseTime":12.5,"err":{"type":"E","message":"m1"},"msg":"m2"})",
      reference_ms);
  CHECK(line.json);
  CHECK(line.level == Level::error);
  CHECK(line.at_ms == 1795485871123);
  CHECK(line.message == "m2");
  CHECK(line.error == "m1");
  CHECK(line.status == 503);
  CHECK(line.duration_ms == 12.5);
  CHECK(line.method == "GET");
  CHECK(normalise_route(line.method, line.route) == "GET /a/:id");
}

TEST_CASE("log_line: winston, bunyan and container runtimes are read") {
  const auto winston = parse_line(
      R"({"level":"warn","message":"slow","timestamp":"2026-11-24T02:04:31.123Z"})", reference_ms);
  CHECK(winston.level == Level::warn);
  CHECK(winston.message == "slow");
  CHECK(winston.at_ms == 1795485871123);
  const auto bunyan = parse_line(
      R"({"name":"api","hostname":"h","pid":1,"level":60,"msg":"x","time":"2026-11-24T02:04:31.123Z","v":0})",
      reference_ms);
  CHECK(bunyan.level == Level::error);
  CHECK(bunyan.at_ms == 1795485871123);
  const auto cri =
      parse_line(R"(2026-11-24T02:04:31.123456789Z stdout F {"level":30,"msg":"x"})", reference_ms);
  CHECK(cri.json);
  CHECK(cri.level == Level::info);
  CHECK(cri.at_ms == 1795485871123);
}

TEST_CASE("log_line: PostgreSQL and plain lines give their level") {
  CHECK(parse_line("2026-11-24 02:04:31.123 UTC [77] app@orders FATAL:  sorry", 0).level ==
        Level::error);
  CHECK(parse_line("2026-11-24 02:04:31.123 UTC [77] LOG:  error in x", 0).level == Level::info);
  CHECK(parse_line("TypeError: x is not a function", 0).level == Level::error);
  CHECK(parse_line("[warn] slow", 0).level == Level::warn);
  CHECK(parse_line("ts=1 level=error msg=x", 0).level == Level::error);
  CHECK(parse_line("no error here", 0).level == Level::none);
  CHECK(parse_line("    at Error: x", 0).continuation);
}

TEST_CASE("log_line: a JSON line cut at any byte gives the fields before the cut") {
  const std::string whole =
      R"({"level":50,"time":1795485871123,"err":{"message":"a\"b","stack":["x",{"y":"}"}]},"status":500})";
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    const auto line = parse_line(std::string_view(whole).substr(0, size), reference_ms);
    CHECK(line.status == 0);
    if (size > 40) CHECK(line.at_ms == 1795485871123);
  }
  CHECK(parse_line(whole, reference_ms).status == 500);
}

TEST_CASE("log_line: hostile lines end and give nothing") {
  for (const std::string& text :
       {std::string(1 << 20, '{'), std::string(1 << 20, '['), "{\"a\":" + std::string(1 << 20, '['),
        std::string("{\"level\":1e999}"), std::string("{\"time\":-1}"), std::string("{\"a\\"),
        std::string(4096, '\0'), std::string("\xFF\xFE{")})
    CHECK(!parse_line(text, reference_ms).at_ms);
}

TEST_CASE("log_line: messages that differ in numbers and ids are one") {
  CHECK(normalise_message("order 17 failed after 1.5 ms") == "order # failed after #.# ms");
  CHECK(normalise_message("id 3fa85f64-5717-4562-b3fc-2c963f66afa6") ==
        normalise_message("id 00000000-1111-2222-3333-444444444444"));
  CHECK(normalise_message("deadbeef face") == "deadbeef face");
  CHECK(normalise_message(std::string(1000, 'x')).size() == 200);
  CHECK(normalise_route("", "/v1/users/42/orders") == "/v1/users/:id/orders");
}

TEST_CASE("log_line: logfmt gives time, level, message, error and trace") {
  const auto line = parse_line(
      R"(ts=2026-11-24T02:04:31.123Z level=error msg="query \"x\" failed" err=refused status=503 trace_id=ab12)",
      reference_ms);
  CHECK(line.at_ms == 1795485871123);
  CHECK(line.level == Level::error);
  CHECK(line.message == R"(query \"x\" failed)");
  CHECK(line.error == "refused");
  CHECK(line.status == 503);
  CHECK(line.trace_id == "ab12");
}

TEST_CASE("log_line: prose with an equals sign is no logfmt") {
  CHECK(parse_line("ERROR: msg=hello is odd", reference_ms).message == "ERROR: msg=hello is odd");
}

TEST_CASE("log_line: the journal's export gives time, level and message") {
  const auto line =
      parse_line(R"({"PRIORITY":"3","__REALTIME_TIMESTAMP":"1795485871123456","MESSAGE":"down"})",
                 reference_ms);
  CHECK(line.at_ms == 1795485871123);
  CHECK(line.level == Level::error);
  CHECK(line.message == "down");
}

TEST_CASE("log_line: the source in front of a line of kubectl or compose is left out") {
  CHECK(parse_line("[pod/api-7d9/app] 2026-11-24T02:04:31.123Z {\"level\":50,\"msg\":\"m\"}",
                   reference_ms)
            .message == "m");
  CHECK(parse_line("api-1  | {\"level\":50,\"msg\":\"m\"}", reference_ms).message == "m");
  CHECK(parse_line("a or b | c", reference_ms).message == "a or b | c");
}
