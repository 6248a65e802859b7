#include "lib/probes/log_follow.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "lib/base/line_sink.h"
#include "tests/support/command.h"
#include "tests/support/http_server.h"

using namespace triage;
using namespace triage::probes;
using testing::HttpServer;
using testing::ReceivedRequest;
using testing::ScriptedAnswer;
using testing::TemporaryDirectory;

namespace {

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

std::vector<std::string> poll(logs::FollowedSource& source) {
  std::vector<std::string> lines;
  source.poll([&](std::string_view line) { lines.emplace_back(line); });
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("log follow: only what comes after the start is given, whole lines only") {
  const TemporaryDirectory directory;
  const auto path = directory.write("app.log", "old\n");
  const auto source = logs::follow_file(path);
  CHECK(poll(*source).empty());
  append(path, "one\ntw");
  CHECK(poll(*source) == Lines{"one"});
  append(path, "o\n");
  CHECK(poll(*source) == Lines{"two"});
}

TEST_CASE("log follow: a rotated file is read to its end, then the new one from its start") {
  const TemporaryDirectory directory;
  const auto path = directory.write("app.log", "");
  const auto source = logs::follow_file(path);
  append(path, "before\n");
  CHECK(poll(*source) == Lines{"before"});
  append(path, "last of the old\n");
  std::filesystem::rename(path, path + ".1");
  CHECK(poll(*source) == Lines{"last of the old"});
  append(path + ".1", "written by the old descriptor\n");
  directory.write("app.log", "first of the new\n");
  CHECK(poll(*source) == Lines{"written by the old descriptor", "first of the new"});
}

TEST_CASE("log follow: a truncated file is read from its start") {
  const TemporaryDirectory directory;
  const auto path = directory.write("app.log", "a long line that was there\n");
  const auto source = logs::follow_file(path);
  std::filesystem::resize_file(path, 0);
  append(path, "new\n");
  CHECK(poll(*source) == Lines{"new"});
}

TEST_CASE("log follow: what is no file is one error that says what to do") {
  const TemporaryDirectory directory;
  for (const std::string& name : {directory.path(), directory.path() + "/none.log"}) {
    try {
      (void)logs::follow_file(name);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK_FALSE(error.remedy().empty());
    }
  }
}

TEST_CASE("log follow: Loki's lines come once each, late ones and equal ones too") {
  // Each look gets what the server has by then between its start and end.
  std::vector<std::pair<std::int64_t, std::string>> stored;
  HttpServer server([&](const ReceivedRequest& request) {
    const std::int64_t start = std::stoll(request.parameter("start"));
    const std::int64_t end = std::stoll(request.parameter("end"));
    std::string values;
    for (auto entry = stored.rbegin(); entry != stored.rend(); ++entry)
      if (entry->first >= start && entry->first < end)
        values += fmt::format("{}[\"{}\",\"{}\"]", values.empty() ? "" : ",", entry->first,
                              entry->second);
    ScriptedAnswer answer;
    answer.body = values.empty()
                      ? R"({"status":"success","data":{"resultType":"streams","result":[]}})"
                      : R"({"status":"success","data":{"resultType":"streams","result":[)"
                        R"({"stream":{"app":"api"},"values":[)" +
                            values + "]}]}}";
    return answer;
  });
  ManualClock clock(parse_rfc3339("2026-11-24T02:10:00Z"));
  Session session(clock);
  logs::Options options;
  options.loki = server.address();
  options.query = R"({app="api"})";
  const auto source = logs::follow_loki(options, session);
  const std::int64_t start = 1'795'486'200'000'000'000;
  clock.advance(std::chrono::seconds(1));
  CHECK(poll(*source).empty());
  stored = {{start + 500'000'000, "a"}, {start + 500'000'000, "a"}, {start + 1'500'000'000, "b"}};
  clock.advance(std::chrono::seconds(1));
  CHECK(poll(*source) == Lines{"a", "a", "b"});
  stored.insert(stored.begin() + 2, {start + 900'000'000, "late"});
  clock.advance(std::chrono::seconds(1));
  CHECK(poll(*source) == Lines{"late"});
  for (int i = 0; i < 20; ++i) {
    clock.advance(std::chrono::seconds(1));
    CHECK(poll(*source).empty());
  }
}

TEST_CASE("log follow: a metric query and nothing to follow are wrong usage") {
  const ManualClock clock(parse_rfc3339("2026-11-24T02:10:00Z"));
  Session session(clock);
  logs::Options options;
  options.follow = true;
  CHECK_THROWS_AS(logs::collect(options, session), Error);
  options.query = R"(rate({app="api"}[1m]))";
  CHECK_THROWS_AS(logs::collect(options, session), Error);
}
