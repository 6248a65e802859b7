#include <doctest/doctest.h>

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/json_options.h"
#include "lib/probes/logs.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "lib/report/render.h"
#include "tests/support/http_server.h"

using namespace triage;
using namespace triage::probes;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

namespace {

const WallTime now = parse_rfc3339("2026-11-24T02:10:00Z");
constexpr std::int64_t ns_per_s = 1'000'000'000;

struct Line {
  std::int64_t at_s = 0;  ///< before now
  std::string text;
  std::string level;
};

/// Lines of one pod, and counts of them by level or by known text, as Loki gives them.
struct FakeLoki {
  std::vector<Line> lines;
  std::int64_t wrong_count = 0;  ///< added to what it counts

  static std::int64_t at_ns(const Line& line) {
    return (std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() -
            line.at_s) *
           ns_per_s;
  }

  [[nodiscard]] ScriptedAnswer page(const ReceivedRequest& request) const {
    Json values = Json::array();
    const auto limit = static_cast<std::size_t>(std::stoll(request.parameter("limit")));
    for (const auto& line : lines) {
      const auto at = at_ns(line);
      if (at < std::stoll(request.parameter("start")) || at >= std::stoll(request.parameter("end")))
        continue;
      if (values.size() >= limit) break;
      values.push_back(
          {std::to_string(at),
           line.text,
           {{"structuredMetadata",
             {{"detected_level", line.level}, {"trace_id", "9652c4a483d2ea47354c12415c9f49d4"}}}}});
    }
    ScriptedAnswer answer;
    answer.body = dump_json(
        {{"status", "success"},
         {"data",
          {{"resultType", "streams"},
           {"result", Json::array({{{"stream", {{"app", "api"}}}, {"values", values}}})}}}});
    return answer;
  }

  [[nodiscard]] ScriptedAnswer counts(const ReceivedRequest& request) const {
    const std::string query = request.parameter("query");
    const bool texts = query.find("triage_text") != std::string::npos;
    const auto open = query.rfind('[');
    const std::int64_t length = std::stoll(query.substr(open + 1)) * 1'000'000;
    const std::int64_t end = std::stoll(request.parameter("time")) + 1;
    std::map<std::string, std::int64_t> found;
    for (const auto& line : lines) {
      const auto at = at_ns(line);
      if (at < end - length || at >= end) continue;
      if (!texts) ++found[line.level];
      if (texts && line.text.find("timeout exceeded when trying to connect") != std::string::npos)
        ++found["timeout exceeded when trying to connect"];
    }
    Json result = Json::array();
    for (const auto& [key, count] : found)
      result.push_back({{"metric", {{texts ? "triage_text" : "detected_level", key}}},
                        {"value", {0, std::to_string(count + wrong_count)}}});
    ScriptedAnswer answer;
    answer.body = dump_json(
        {{"status", "success"}, {"data", {{"resultType", "vector"}, {"result", result}}}});
    return answer;
  }

  ScriptedAnswer operator()(const ReceivedRequest& request) const {
    if (request.path == "/loki/api/v1/query") return counts(request);
    if (request.path == "/loki/api/v1/query_range") return page(request);
    ScriptedAnswer answer;
    answer.body = R"({"status":"success","data":["app","pod"]})";
    return answer;
  }
};

/// 30 requests a minute, newest first; failures and timeouts of the pool in the last 5 minutes.
FakeLoki incident() {
  FakeLoki loki;
  for (std::int64_t at = 1; at < 1700; at += 2) {
    if (at < 300 && at % 3 == 0)
      loki.lines.push_back({at, "Error: timeout exceeded when trying to connect", "error"});
    loki.lines.push_back({at,
                          R"({"level":30,"req":{"method":"GET","url":"/x"},"res":{"statusCode":)" +
                              std::string(at < 300 ? "500" : "200") +
                              R"(},"responseTime":12,"msg":"request completed"})",
                          "info"});
  }
  return loki;
}

logs::Options options_for(const HttpServer& server) {
  logs::Options options;
  options.loki = server.address();
  options.query = R"({app="api"})";
  options.batch = 100;
  return options;
}

logs::Result result_of(const logs::Options& options) {
  const ManualClock clock(now);
  Session session(clock);
  return logs::analyse(options, logs::collect(options, session));
}

bool has_gap(const logs::Result& result, std::string_view what) {
  return std::any_of(result.envelope.gaps.begin(), result.envelope.gaps.end(),
                     [&](const Gap& gap) { return gap.what == what; });
}

}  // namespace

TEST_CASE("logs: lines of Loki are all read, each once, and say what those of a file say") {
  const HttpServer server(incident());
  const auto result = result_of(options_for(server));
  CHECK(result.anchor == "now");
  CHECK(result.lines_count == 900);
  REQUIRE(result.server);
  CHECK(result.server->lines_count == 900);
  CHECK(result.server->counted_count == 900);
  CHECK(result.server->requests_count >= 9);
  CHECK(result.signatures.at("pool.acquire_timeout").count == 50);
  CHECK(result.signatures.at("pool.acquire_timeout").baseline_count == 0);
  CHECK(result.levels.error_count == 50);
  REQUIRE(result.requests);
  CHECK(result.requests->error_count == 150);
  REQUIRE(!result.errors.empty());
  CHECK(result.errors[0].trace_ids == std::vector<std::string>{"9652c4a483d2ea47354c12415c9f49d4",
                                                               "9652c4a483d2ea47354c12415c9f49d4",
                                                               "9652c4a483d2ea47354c12415c9f49d4"});
  CHECK(result.envelope.severity == Severity::crit);
  CHECK(result.files.empty());
}

TEST_CASE("logs: more lines than --most-lines are counted by Loki, and the rest is unknown") {
  const HttpServer server(incident());
  auto options = options_for(server);
  options.most_lines = 500;
  const auto result = result_of(options);
  CHECK(result.signatures.at("pool.acquire_timeout").count == 50);
  CHECK(result.levels.error_count == 50);
  CHECK(result.lines_count == 900);
  CHECK_FALSE(result.requests);
  CHECK_FALSE(result.templates);
  CHECK(result.errors.empty());
  CHECK(has_gap(result, "requests"));
  CHECK(result.server->lines_count == 100);
}

TEST_CASE("logs: fewer lines than Loki counts is not called complete") {
  FakeLoki loki = incident();
  loki.wrong_count = 7;
  const HttpServer server(loki);
  const auto result = result_of(options_for(server));
  CHECK(has_gap(result, "server.lines_count"));
}

TEST_CASE("logs: a window without a line in Loki is unknown, and names the labels there") {
  const HttpServer server{FakeLoki{}};
  const auto result = result_of(options_for(server));
  CHECK(result.envelope.severity == Severity::unknown);
  const auto& gaps = result.envelope.gaps;
  CHECK(std::any_of(gaps.begin(), gaps.end(), [](const Gap& gap) {
    return gap.remedy.find("app, pod") != std::string::npos;
  }));
}

TEST_CASE("logs: a healthy service in Loki gives no finding, and a clock far off is one") {
  FakeLoki loki;
  for (std::int64_t at = 1; at < 1700; at += 2)
    loki.lines.push_back({at,
                          R"({"level":30,"req":{"method":"GET","url":"/x"},"res":)"
                          R"({"statusCode":200},"responseTime":12,"msg":"done"})",
                          "info"});
  const HttpServer server(loki);
  CHECK(result_of(options_for(server)).envelope.severity == Severity::ok);
  const HttpServer late([&](const ReceivedRequest& request) {
    auto answer = loki(request);
    answer.headers = {{"Date", "Tue, 24 Nov 2026 01:10:00 GMT"}};
    return answer;
  });
  const auto result = result_of(options_for(late));
  CHECK(result.server->clock_offset_s == -3600);
  CHECK(result.envelope.severity == Severity::warn);
}

TEST_CASE("logs: a metric query of Loki gives series, and no data is unknown") {
  const HttpServer server([](const ReceivedRequest& request) {
    CHECK(request.path == "/loki/api/v1/query_range");
    CHECK(std::stod(request.parameter("step")) >= 1);
    Json values = Json::array();
    const std::int64_t start = std::stoll(request.parameter("start")) / ns_per_s;
    for (int i = 0; i < 200; ++i)
      values.push_back({start + i * std::stoll(request.parameter("step")), i < 100 ? "1" : "40"});
    ScriptedAnswer answer;
    answer.body = dump_json(
        {{"status", "success"},
         {"data",
          {{"resultType", "matrix"},
           {"result", Json::array({{{"metric", {{"level", "error"}}}, {"values", values}}})}}}});
    return answer;
  });
  auto options = options_for(server);
  options.query = R"(sum by (level) (rate({app="api"}[1m])))";
  const auto result = result_of(options);
  REQUIRE(result.series.size() == 1);
  CHECK(result.series[0].onset_s);
  CHECK(result.envelope.severity == Severity::info);
  options.file = {"/dev/null"};
  CHECK_THROWS_AS(result_of(options), Error);
  const HttpServer empty([](const ReceivedRequest& /*request*/) {
    ScriptedAnswer answer;
    answer.body = R"({"status":"success","data":{"resultType":"matrix","result":[]}})";
    return answer;
  });
  options = options_for(empty);
  options.query = "sum(rate({app=\"api\"}[1m]))";
  CHECK(result_of(options).envelope.severity == Severity::unknown);
}

TEST_CASE("logs: what was read from Loki is recorded, and replays to the same report") {
  const HttpServer server(incident());
  const ManualClock clock(now);
  Session session(clock);
  const auto call = find_probe("logs")->call();
  const Json values = {{"loki", server.address()}, {"query", R"({app="api"})"}};
  JsonOptions options(values, "test");
  call->describe(options);
  const Json sample = call->collect(session);
  const auto asked = server.requests().size();
  const auto text_of = [&] {
    Session replay(clock);
    replay.freeze({}, {});
    return render_human(call->analyse(sample, replay).report, {});
  };
  const std::string first = text_of();
  CHECK(first == text_of());
  CHECK(first.find("LOKI") != std::string::npos);
  CHECK(first.find("triage trace --trace-id 9652c4a483d2ea47354c12415c9f49d4") !=
        std::string::npos);
  CHECK(server.requests().size() == asked);
}

TEST_CASE("logs: an address with a selector among the files is a query, as in a runbook") {
  const HttpServer server(incident());
  logs::Options options;
  options.file = {server.address() + R"({app="api"})"};
  const auto result = result_of(options);
  REQUIRE(result.server);
  CHECK(result.server->query == R"({app="api"})");
  CHECK(result.lines_count == 900);
  options.query = R"({app="b"})";
  CHECK_THROWS_AS(result_of(options), Error);
}

TEST_CASE("logs: a Loki that hangs, resets, or is a login page is one line that says what to do") {
  const auto code_of = [](const ScriptedAnswer& scripted) {
    const HttpServer server([&](const ReceivedRequest& /*request*/) { return scripted; });
    auto options = options_for(server);
    options.http.retries = 0;
    options.http.http_timeout = std::chrono::milliseconds(300);
    options.http.most_mib = 1;
    try {
      result_of(options);
    } catch (const Error& error) {
      CHECK_FALSE(error.remedy().empty());
      return error.code();
    }
    return ErrorCode::internal;
  };
  using Behaviour = ScriptedAnswer::Behaviour;
  CHECK(code_of({200, {}, "", Behaviour::hang}) == ErrorCode::unreachable);
  CHECK(code_of({200, {}, "", Behaviour::reset}) == ErrorCode::unreachable);
  CHECK(code_of({200, {}, std::string(1 << 16, ' '), Behaviour::endless}) == ErrorCode::budget);
  CHECK(code_of({200, {}, "<!doctype html><title>Sign in</title>", Behaviour::answer}) ==
        ErrorCode::malformed);
  CHECK(code_of({401, {}, "no org id\n", Behaviour::answer}) == ErrorCode::refused);
  CHECK(code_of({200, {}, R"({"status":"success","data":[1]})", Behaviour::answer}) ==
        ErrorCode::malformed);
}
