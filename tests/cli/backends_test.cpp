#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/http_server.h"

using triage::Json;
using triage::testing::HttpServer;
using triage::testing::ReceivedRequest;
using triage::testing::run_triage;
using triage::testing::ScriptedAnswer;
using triage::testing::TemporaryDirectory;
using Behaviour = triage::testing::ScriptedAnswer::Behaviour;

namespace {

/// The three commands, each asked for what a server can give.
std::vector<std::vector<std::string>> commands(const std::string& address) {
  return {{"promq", "up", "--prometheus", address},
          {"promq", "red", "orders", "--prometheus", address},
          {"promq", "rank", "--query", "up", "--prometheus", address},
          {"logs", "--query", "{app=\"api\"}", "--loki", address},
          {"trace", "--jaeger", address, "--service", "orders"},
          {"trace", "deps", "--jaeger", address, "--service", "orders"}};
}

/// Each command against one server: it ends in time with one of `codes` and, when it has no result,
/// one line that says what to do.
void check_each(const ScriptedAnswer& scripted, const std::vector<int>& codes) {
  const HttpServer server([&](const ReceivedRequest&) { return scripted; });
  for (auto words : commands(server.address())) {
    words.insert(words.end(), {"--retries", "0", "--http-timeout", "500ms", "--most-mib", "1"});
    std::string command;
    for (const auto& word : words) command += word + " ";
    const auto result = run_triage(words);
    INFO(command, scripted.body.substr(0, 200), "\n", result.error, result.out);
    CHECK(std::count(codes.begin(), codes.end(), result.exit_code) == 1);
    if (result.exit_code != 3) {
      CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
      CHECK(result.error.find(';') != std::string::npos);
    }
  }
}

ScriptedAnswer answer(std::string body, int status = 200) {
  return {status, {}, std::move(body), Behaviour::answer};
}

/// Two minutes of `up`, one value every five seconds, as a range query asks for it.
ScriptedAnswer range_answer(const ReceivedRequest& request) {
  std::string values;
  const double end = std::stod(request.parameter("end"));
  for (double at = end - 120; at <= end; at += 5)
    values += fmt::format("{}[{:.3f},\"{}\"]", values.empty() ? "" : ",", at,
                          at > end - 60 ? "5.5" : "1.25");
  return answer(R"({"status":"success","data":{"resultType":"matrix","result":[)"
                R"({"metric":{"__name__":"up","job":"a"},"values":[)" +
                values + "]}]}}");
}

}  // namespace

TEST_CASE("backends: a server that hangs, resets, ends too early or never is one line each") {
  check_each({200, {}, "", Behaviour::hang}, {4});
  check_each({200, {}, "", Behaviour::reset}, {4});
  check_each({200, {}, R"({"status":"success")", Behaviour::half}, {4});
  check_each({200, {}, std::string(1 << 16, ' '), Behaviour::endless}, {6});
  check_each({200, {}, "SSH-2.0-OpenSSH_9.2\r\n", Behaviour::not_http}, {4, 7});
}

TEST_CASE("backends: login pages, refusals and other programs are told apart") {
  check_each(answer("<!doctype html><title>Sign in</title>"), {7});
  check_each(answer("Unauthorized", 401), {5});
  check_each(answer("<html>forbidden</html>", 403), {5});
  check_each(answer("overloaded", 503), {4});
}

TEST_CASE("backends: wrong types and cut answers are nonsense, not a result") {
  for (const char* body :
       {"[]", "7", "", "null", R"({"status":"success","data":[1]})", R"({"status":)",
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":7}]}})",
        R"({"data":{"a":[1]},"result":{"resourceSpans":7},"services":{"a":1}})"})
    check_each(answer(body), {3, 7});
}

TEST_CASE("backends: no data in the window is unknown, never healthy") {
  const HttpServer server([](const ReceivedRequest& request) {
    if (request.path.find("/loki/") != std::string::npos)
      return answer(R"({"status":"success","data":{"resultType":"streams","result":[]}})");
    if (request.path.find("query") != std::string::npos)
      return answer(R"({"status":"success","data":{"resultType":"matrix","result":[]}})");
    if (request.path == "/api/v3/services") return answer(R"({"services":["orders"]})");
    if (request.path == "/api/v3/traces") return answer("{\"error\":\"No traces found\"}", 404);
    return answer(R"({"status":"success","data":[]})");
  });
  for (auto words : commands(server.address())) {
    words.insert(words.end(), {"-o", "json"});
    const auto result = run_triage(words);
    INFO(words[0], " ", words[1], "\n", result.error);
    CHECK(result.exit_code == 3);
    const Json document = Json::parse(result.out.empty() ? "{}" : result.out);
    CHECK(document.value("severity", "") == "unknown");
  }
}

TEST_CASE("backends: NaN, infinities and a series that comes twice are kept apart from values") {
  const HttpServer server([](const ReceivedRequest& request) {
    const double end = std::stod(request.parameter("end"));
    const std::string series = fmt::format(
        R"({{"metric":{{"a":"b"}},"values":[[{:.3f},"NaN"],[{:.3f},"+Inf"],[{:.3f},"2"]]}})",
        end - 10, end - 5, end);
    return answer(R"({"status":"success","data":{"resultType":"matrix","result":[)" + series + "," +
                  series + "]}}");
  });
  const auto result =
      run_triage({"promq", "x", "--since", "1m", "--prometheus", server.address(), "-o", "json"});
  CHECK(result.exit_code == 0);
  const Json document = Json::parse(result.out);
  REQUIRE(document["rows"].size() == 2);
  CHECK(document["rows"][0]["points_count"] == 1);
  CHECK(document["rows"][0]["last"] == 2);
  CHECK(document["rows"][0]["most"] == 2);
}

TEST_CASE("backends: the calls of a ranking come from Jaeger, with its window in milliseconds") {
  const HttpServer jaeger([](const ReceivedRequest&) {
    return answer(R"({"data":[{"parent":"shop","child":"stock","callCount":9}],"errors":null})");
  });
  const HttpServer prometheus([](const ReceivedRequest& request) {
    const double end = std::stod(request.parameter("end"));
    std::string series;
    for (const auto& [service, level] : {std::pair("shop", 9.0), std::pair("stock", 6.0)}) {
      std::string values;
      for (int i = 0; i <= 60; ++i)
        values += fmt::format("{}[{:.3f},\"{}\"]", i == 0 ? "" : ",", end - 300 + 5 * i,
                              (i < 40 ? 1 : level) + i % 3 * 0.1);
      series += fmt::format(R"({}{{"metric":{{"service":"{}"}},"values":[{}]}})",
                            series.empty() ? "" : ",", service, values);
    }
    return answer(R"({"status":"success","data":{"resultType":"matrix","result":[)" + series +
                  "]}}");
  });
  const auto result =
      run_triage({"promq", "rank", "--query", "seconds", "--since", "5m", "--prometheus",
                  prometheus.address(), "--jaeger", jaeger.address(), "-o", "json"});
  INFO(result.error);
  REQUIRE(jaeger.requests().size() == 1);
  CHECK(jaeger.requests()[0].path == "/api/dependencies");
  CHECK(jaeger.requests()[0].parameter("lookback") == "300000");
  const Json document = Json::parse(result.out);
  CHECK(document["services"][0]["name"] == "stock");
  CHECK(document["services"][1]["effect_of"] == "stock");
}

TEST_CASE("backends: a clock that is an hour off is said") {
  const HttpServer server([](const ReceivedRequest& request) {
    ScriptedAnswer scripted = range_answer(request);
    const std::time_t then = std::time(nullptr) - 3600;
    std::string date(40, '\0');
    std::tm parts{};
    date.resize(std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT",
                              gmtime_r(&then, &parts)));
    scripted.headers = {{"Date", date}};
    return scripted;
  });
  const auto result = run_triage({"promq", "up", "--prometheus", server.address()});
  CHECK(result.out.find("clock is 60 min") != std::string::npos);
}

TEST_CASE("backends: what logcli's variables say reaches Loki, and config shows whence") {
  const HttpServer server([](const ReceivedRequest&) {
    return answer(R"({"status":"success","data":{"resultType":"streams","result":[]}})");
  });
  const TemporaryDirectory directory;
  const std::vector<std::string> environment{
      "LOKI_ADDR=" + server.address(), "LOKI_ORG_ID=shop", "LOKI_QUERY_TAGS=Source=triage",
      "LOKI_BEARER_TOKEN_FILE=" + directory.write("token", "hunter2\n")};
  const auto asked = run_triage({"logs", "--query", "{app=\"api\"}"}, environment);
  INFO(asked.error);
  REQUIRE_FALSE(server.requests().empty());
  const ReceivedRequest request = server.requests().front();
  CHECK(request.header("x-scope-orgid") == "shop");
  CHECK(request.header("x-query-tags") == "Source=triage");
  CHECK(request.header("authorization") == "Bearer hunter2");
  const HttpServer basic([](const ReceivedRequest&) { return answer("no", 401); });
  run_triage({"logs", "--query", "{app=\"api\"}"},
             {"LOKI_ADDR=" + basic.address(), "LOKI_USERNAME=u", "LOKI_PASSWORD=p"});
  CHECK(basic.requests().front().header("authorization") == "Basic dTpw");
  const auto shown = run_triage(
      {"config", "--origin"},
      {"LOKI_ADDR=http://l", "LOKI_ORG_ID=o", "LOKI_USERNAME=u", "LOKI_PASSWORD=hunter2",
       "LOKI_BEARER_TOKEN=hunter3", "LOKI_BEARER_TOKEN_FILE=/t", "LOKI_CA_CERT_PATH=/ca",
       "LOKI_CLIENT_CERT_PATH=/c", "LOKI_CLIENT_KEY_PATH=/k", "LOKI_TLS_SKIP_VERIFY=true",
       "LOKI_CLIENT_RETRIES=2", "LOKI_HTTP_PROXY_URL=http://p", "LOKI_QUERY_TAGS=a=b",
       "PROMETHEUS_URL=http://q", "JAEGER_URL=http://j"});
  for (const char* name :
       {"LOKI_ADDR", "LOKI_ORG_ID", "LOKI_USERNAME", "LOKI_PASSWORD", "LOKI_BEARER_TOKEN_FILE",
        "LOKI_CA_CERT_PATH", "LOKI_CLIENT_CERT_PATH", "LOKI_CLIENT_KEY_PATH",
        "LOKI_TLS_SKIP_VERIFY", "LOKI_CLIENT_RETRIES", "LOKI_HTTP_PROXY_URL", "LOKI_QUERY_TAGS",
        "PROMETHEUS_URL", "JAEGER_URL"}) {
    INFO(name);
    CHECK(shown.out.find(name) != std::string::npos);
  }
  CHECK(shown.out.find("hunter") == std::string::npos);
}

TEST_CASE("backends: each command replays what it recorded, to the byte, with the server gone") {
  const TemporaryDirectory directory;
  const std::string bundle = directory.path() + "/run.triage";
  const auto check = [&](const std::vector<std::string>& asked,
                         const std::vector<std::string>& command) {
    std::vector<std::string> record = asked;
    record.insert(record.end(), {"--record", bundle});
    std::vector<std::string> replay = command;
    replay.insert(replay.end(), {"--replay", bundle});
    const auto first = run_triage(record);
    const auto second = run_triage(replay);
    INFO(first.error, second.error);
    CHECK_FALSE(first.out.empty());
    CHECK(first.out == second.out);
    CHECK(first.exit_code == second.exit_code);
  };
  const auto replayed = triage::testing::recorded_answers("jaeger");
  {
    const HttpServer server([&](const ReceivedRequest& request) {
      if (request.path.rfind("/api/v1/query_range", 0) == 0) return range_answer(request);
      if (request.path == "/api/v1/query")
        return answer(R"({"status":"success","data":{"resultType":"vector","result":[)"
                      R"({"metric":{"job":"a"},"value":[1795609432,"5"]}]}})");
      if (request.path.rfind("/api/v1/", 0) == 0)
        return answer(R"({"status":"success","data":[{"__name__":"http_requests_total",)"
                      R"("app":"orders","status":"200"}]})");
      if (request.path == "/loki/api/v1/query")
        return answer(R"({"status":"success","data":{"resultType":"vector","result":[]}})");
      if (request.path.rfind("/loki/", 0) == 0)
        return answer(fmt::format(
            R"({{"status":"success","data":{{"resultType":"streams","result":[{{"stream":)"
            R"({{"app":"api"}},"values":[["{}","level=error msg=boom"]]}}]}}}})",
            (std::stoll(request.parameter("end")) + std::stoll(request.parameter("start"))) / 2));
      return replayed(request);
    });
    const std::string address = server.address();
    check({"promq", "up", "--since", "2m", "--prometheus", address}, {"promq"});
    check({"promq", "red", "orders", "--since", "2m", "--prometheus", address}, {"promq", "red"});
    check({"promq", "rank", "--query", "up", "--since", "2m", "--prometheus", address},
          {"promq", "rank"});
    check({"promq", "gate", "up", "--fail-if", "> 9", "--prometheus", address}, {"promq", "gate"});
    check({"logs", "--query", "{app=\"api\"}", "--loki", address}, {"logs"});
    check({"trace", "--jaeger", address, "--trace-id", "cbfc6e75f0672e6bdb33a7c1953ad77c"},
          {"trace"});
  }
}
