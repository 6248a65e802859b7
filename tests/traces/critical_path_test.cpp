#include "lib/traces/critical_path.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/traces/span_texts.h"

namespace {

using namespace triage::traces;

/// "[service] operation" -> microseconds on the path, as CRISP writes it.
std::map<std::string, std::int64_t> path_times(const Forest& forest) {
  std::map<std::string, std::int64_t> times;
  const SpanTable& spans = forest.spans();
  for (const auto& step : critical_path(forest, forest.main_root(0)))
    times["[" + std::string(spans.texts[spans.service(step.span)]) + "] " +
          std::string(spans.texts[spans.operation[step.span]])] += step.own_ns / 1000;
  return times;
}

}  // namespace

TEST_CASE("critical path: every example trace of CRISP gives its expected times") {
  const std::filesystem::path folder = TRIAGE_SOURCE_DIR "/tests/data/crisp";
  const auto expected = nlohmann::json::parse(test::read_file(folder / "expected.json"));
  REQUIRE(expected.size() == 17);
  for (const auto& [name, truth] : expected.items()) {
    const Forest forest = test::read_forest(test::read_file(folder / "traces" / name));
    std::map<std::string, std::int64_t> wanted = truth["opTimeExclusive"];
    std::erase_if(wanted, [](const auto& item) { return item.second == 0; });
    auto found = path_times(forest);
    std::erase_if(found, [](const auto& item) { return item.second == 0; });
    CHECK_MESSAGE(found == wanted, name);
  }
}

TEST_CASE("critical path: a chain of 200,000 spans needs no deep stack") {
  std::string text = R"([{"traceId":"a","id":"1","timestamp":1,"duration":1000000})";
  for (int i = 2; i <= 200'000; ++i)
    text += ",{\"traceId\":\"a\",\"id\":\"" + test::hex(i) + "\",\"parentId\":\"" +
            test::hex(i - 1) + "\",\"timestamp\":1,\"duration\":1000000}";
  const Forest forest = test::read_forest(text + "]");
  CHECK(critical_path(forest, forest.main_root(0)).size() == 200'000);
}

TEST_CASE("critical path: a span that its parent does not wait for is not on it") {
  const Forest forest = test::read_forest(R"({"data":[{"spans":[
    {"traceID":"a","spanID":"1","operationName":"root","startTime":0,"duration":100,"processID":"p"},
    {"traceID":"a","spanID":"2","operationName":"later","startTime":50,"duration":50,"processID":"p",
     "references":[{"refType":"FOLLOWS_FROM","traceID":"a","spanID":"1"}]}],
    "processes":{"p":{"serviceName":"s"}}}]})");
  CHECK(path_times(forest) == std::map<std::string, std::int64_t>{{"[s] root", 100}});
}

TEST_CASE("critical path: self time counts overlapping children once") {
  const Forest forest = test::read_forest(R"({"data":[{"spans":[
    {"traceID":"a","spanID":"1","startTime":0,"duration":100,"processID":"p"},
    {"traceID":"a","spanID":"2","startTime":10,"duration":40,"processID":"p",
     "references":[{"refType":"CHILD_OF","traceID":"a","spanID":"1"}]},
    {"traceID":"a","spanID":"3","startTime":30,"duration":100,"processID":"p",
     "references":[{"refType":"CHILD_OF","traceID":"a","spanID":"1"}]}],
    "processes":{"p":{"serviceName":"s"}}}]})");
  CHECK(self_time_ns(forest, forest.main_root(0)) == 10'000);
}
