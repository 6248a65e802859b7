#include "lib/backends/loki.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "tests/support/http_server.h"

namespace {

using namespace triage;
using backends::LokiAnswer;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;

net::ClientOptions client_options() {
  net::ClientOptions options;
  options.name = "Loki";
  options.retries = 0;
  options.headers = {{"X-Scope-OrgID", "shop"}};
  return options;
}

struct StoredLine {
  std::string pod;
  std::int64_t at_ns = 0;
  std::string line;
  bool operator<(const StoredLine& other) const {
    return std::tie(at_ns, pod, line) < std::tie(other.at_ns, other.pod, other.line);
  }
  bool operator==(const StoredLine& other) const = default;
};

/// Behaves as Loki does, as far as the recordings show it: the newest `limit` lines of
/// [start, end), grouped by stream, with line filters and limits of its own. Among equal stamps it
/// picks other lines at each request.
struct SimulatedLoki {
  std::vector<StoredLine> lines;
  std::int64_t most_entries = 5000;
  std::int64_t most_length_ns = 0;  ///< 0: none
  unsigned turn = 0;

  static bool passes(const StoredLine& line, std::string_view query) {
    for (auto at = query.find('\n'); at != std::string_view::npos; at = query.find('\n', at + 1)) {
      const auto open = query.find('`', at);
      const auto text = query.substr(open + 1, query.find('`', open + 1) - open - 1);
      const bool wanted = query.substr(at + 1, 2) == "|=";
      if ((line.line.find(text) != std::string::npos) != wanted) return false;
    }
    return true;
  }

  ScriptedAnswer operator()(const ReceivedRequest& request) {
    CHECK(request.path == "/loki/api/v1/query_range");
    CHECK(request.header("x-loki-response-encoding-flags") == "categorize-labels");
    CHECK(request.header("x-scope-orgid") == "shop");
    CHECK(request.parameter("direction") == "backward");
    const std::int64_t start = std::stoll(request.parameter("start"));
    const std::int64_t end = std::stoll(request.parameter("end"));
    const std::int64_t limit = std::stoll(request.parameter("limit"));
    ScriptedAnswer answer;
    if (limit > most_entries) {
      answer.status = 400;
      answer.body = "max entries limit per query exceeded, limit > max_entries_limit_per_query (" +
                    std::to_string(limit) + " > " + std::to_string(most_entries) + ")";
      return answer;
    }
    if (most_length_ns > 0 && end - start > most_length_ns) {
      answer.status = 400;
      answer.body = "the query time range exceeds the limit (query length: 72h0m0s, limit: " +
                    std::to_string(most_length_ns / 1'000'000'000) + "s)";
      return answer;
    }
    std::vector<StoredLine> found;
    for (const auto& line : lines)
      if (line.at_ns >= start && line.at_ns < end && passes(line, request.parameter("query")))
        found.push_back(line);
    if (!found.empty())
      std::rotate(found.begin(), found.begin() + ++turn % found.size(), found.end());
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.at_ns > b.at_ns; });
    found.resize(std::min(found.size(), static_cast<std::size_t>(limit)));
    std::map<std::string, Json> streams;
    for (const auto& line : found)
      streams.try_emplace(line.pod, Json::array())
          .first->second.push_back(
              {std::to_string(line.at_ns), line.line, {{"structuredMetadata", {{"a", "b"}}}}});
    Json result = Json::array();
    for (auto& [pod, values] : streams)
      result.push_back({{"stream", {{"app", "api"}, {"pod", pod}}}, {"values", values}});
    answer.body = dump_json(
        Json{{"status", "success"}, {"data", {{"resultType", "streams"}, {"result", result}}}});
    return answer;
  }
};

/// What a client with pages of `page` lines gets, sorted.
struct Read {
  std::vector<StoredLine> lines;
  backends::LokiReading reading;
};

Read read_all(SimulatedLoki& loki, std::int64_t page, std::int64_t from_ns, std::int64_t to_ns,
              std::int64_t most = 1'000'000) {
  const HttpServer server([&](const ReceivedRequest& request) { return loki(request); });
  const SystemClock clock;
  Session session(clock);
  backends::Loki client(server.address(), client_options(), page, session);
  Read read;
  read.reading = client.read({R"({app="api"})", from_ns, to_ns, most}, [&](LokiAnswer& answer) {
    for (const auto& entry : answer.entries)
      read.lines.push_back({answer.streams[entry.stream].at("pod"), entry.at_ns, entry.line});
    return true;
  });
  std::sort(read.lines.begin(), read.lines.end());
  return read;
}

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t begin_ns = 1'795'503'276 * second;

/// 40 lines a stamp on two pods, at three stamps, with single lines between.
SimulatedLoki with_equal_stamps(int each) {
  SimulatedLoki loki;
  for (int stamp = 0; stamp < 3; ++stamp) {
    for (int i = 0; i < each; ++i)
      loki.lines.push_back({i % 2 == 0 ? "a" : "b", begin_ns + stamp * 100 * second,
                            "order " + std::to_string(i * 7919)});
    for (int i = 1; i < 6; ++i)
      loki.lines.push_back(
          {"a", begin_ns + stamp * 100 * second + i * second, "tick " + std::to_string(i)});
  }
  // What a line_format leaves of two lines may be the same.
  loki.lines.push_back({"a", begin_ns, "order 0"});
  std::sort(loki.lines.begin(), loki.lines.end());
  return loki;
}

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "no error"};
}

LokiAnswer parse(const std::string& body) {
  net::Response response;
  response.status = 200;
  response.body = body;
  return backends::parse_loki_answer(response, "{}");
}

}  // namespace

TEST_CASE("loki: a page that ends within many equal stamps loses and repeats no line") {
  SimulatedLoki loki = with_equal_stamps(40);
  for (const std::int64_t page : {41, 42, 45, 60, 100, 5000}) {
    CAPTURE(page);
    const Read read = read_all(loki, page, begin_ns, begin_ns + 1000 * second);
    CHECK(read.lines == loki.lines);
    CHECK_FALSE(read.reading.limited);
    CHECK_FALSE(read.reading.stamps_cut);
    CHECK(read.reading.lines_count == static_cast<std::int64_t>(loki.lines.size()));
  }
}

TEST_CASE("loki: one stamp with more lines than a page holds is read in parts that exclude") {
  SimulatedLoki loki = with_equal_stamps(300);
  for (const std::int64_t page : {10, 37, 150}) {
    CAPTURE(page);
    const Read read = read_all(loki, page, begin_ns, begin_ns + 1000 * second);
    CHECK(read.lines == loki.lines);
    CHECK_FALSE(read.reading.stamps_cut);
  }
}

TEST_CASE("loki: equal lines beyond a page cannot be told apart, which is said") {
  SimulatedLoki loki;
  for (int i = 0; i < 20; ++i) loki.lines.push_back({"a", begin_ns, "same"});
  const Read read = read_all(loki, 10, begin_ns, begin_ns + second);
  CHECK(read.reading.stamps_cut);
  CHECK(read.lines.size() == 10);
}

TEST_CASE("loki: the limits that the server names are heeded") {
  SimulatedLoki loki = with_equal_stamps(40);
  loki.most_entries = 50;
  loki.most_length_ns = 90 * second;
  const Read read = read_all(loki, 5000, begin_ns, begin_ns + 1000 * second);
  CHECK(read.lines == loki.lines);
  CHECK(read.reading.page_limit == 50);
  CHECK(read.reading.length_limit_ns == 90 * second);
}

TEST_CASE("loki: the newest lines are read when there are more than asked for") {
  SimulatedLoki loki = with_equal_stamps(40);
  const Read read = read_all(loki, 50, begin_ns, begin_ns + 1000 * second, 50);
  CHECK(read.reading.limited);
  CHECK(read.lines.back() == loki.lines.back());
  CHECK(read.lines.size() < loki.lines.size());
}

TEST_CASE("loki: a server that answers with other times or for ever the same is malformed") {
  const HttpServer server([](const ReceivedRequest& /*request*/) {
    ScriptedAnswer answer;
    answer.body =
        R"({"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":)"
        R"([["1","a"],["1","b"],["1","c"]]}]}})";
    return answer;
  });
  const SystemClock clock;
  Session session(clock);
  backends::Loki loki(server.address(), client_options(), 2, session);
  const Error error = error_of([&] {
    loki.read({"{}", begin_ns, begin_ns + second, 100}, [](LokiAnswer& /*page*/) { return true; });
  });
  CHECK(error.code() == ErrorCode::malformed);
}

TEST_CASE("loki: a recorded answer with categorised labels is one stream with metadata") {
  const HttpServer server(testing::recorded_answers("loki"));
  const SystemClock clock;
  Session session(clock);
  backends::Loki loki(server.address(), client_options(), 20, session);
  const auto range = loki.range(R"(sum by (app, level) (count_over_time({namespace="shop"}[30s])))",
                                1795503276.822, 1795503800.938, 30);
  CHECK(range.type == "matrix");
  REQUIRE(range.series.size() == 11);
  CHECK(range.series[0].labels.at("app") == "api-gateway");
  CHECK(range.series[0].values[1] == 76);
  const auto instant = loki.instant(
      R"(sum by (app, level) (count_over_time({namespace="shop"}[1m])))", 1795503735937000000);
  CHECK(instant.series.size() == 7);
  const auto names = loki.labels(1795503276822000000, 1795503800938000000);
  CHECK(std::find(names.begin(), names.end(), "namespace") != names.end());
  CHECK(loki.labels(1795244076822000000, 1795330476822000000).empty());
}

TEST_CASE("loki: two and three parts of an entry are read, and what is none is malformed") {
  const auto two =
      parse(R"({"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"x"},)"
            R"("values":[["1795503406520363363","li\"ne"]]}]}})");
  REQUIRE(two.entries.size() == 1);
  CHECK(two.entries[0].at_ns == 1795503406520363363);
  CHECK(two.entries[0].line == "li\"ne");
  CHECK(two.entries[0].metadata.empty());
  const auto three = parse(
      R"({"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],)"
      R"("result":[{"values":[["5","l",{"structuredMetadata":{"trace_id":"t"},"parsed":{"m":"x"}}]],)"
      R"("stream":{"app":"x"}}]}})");
  REQUIRE(three.entries.size() == 1);
  CHECK(three.entries[0].metadata == backends::Labels{{"trace_id", "t"}});
  CHECK(three.streams[0].at("app") == "x");
  for (const char* body :
       {"", "[]", "{}", "<!doctype html>", R"({"status":"success","data":{"result":[{}]}})",
        R"({"status":"success","data":{"resultType":"streams","result":[{"values":[["1"]]}]}})",
        R"({"status":"success","data":{"resultType":"streams","result":[{"values":[["1",7]]}]}})",
        R"({"status":"success","data":{"resultType":"streams","result":[{"values":[["1","a")"}) {
    CAPTURE(body);
    CHECK(error_of([&] { parse(body); }).code() == ErrorCode::malformed);
  }
}

TEST_CASE("loki: limits are read out of the texts of the server") {
  CHECK(backends::limit_of("max entries limit per query exceeded, limit > "
                           "max_entries_limit_per_query (10000 > 5000)")
            .entries == 5000);
  const auto length = [](const std::string& limit) {
    return backends::limit_of(
               "the query time range exceeds the limit (query length: 72h0m0s, "
               "limit: " +
               limit + ")")
        .length_ns;
  };
  CHECK(length("1d") == 86'400 * second);
  CHECK(length("30d1h") == (30 * 86'400 + 3600) * second);
  CHECK(length("1m30s") == 90 * second);
  CHECK_FALSE(length("soon"));
  CHECK_FALSE(backends::limit_of("parse error").entries);
}

TEST_CASE("loki: a selector is a log query, a function around it a metric query") {
  CHECK(backends::is_log_query(R"({app="x"} |= "sum(")"));
  CHECK(backends::is_log_query("# why\n {app=\"x\"}"));
  CHECK_FALSE(backends::is_log_query(R"(sum(rate({app="x"}[1m])))"));
  CHECK_FALSE(backends::is_log_query(""));
}
