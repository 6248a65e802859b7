#include "lib/diagnose/evidence_sources.h"

#include <doctest/doctest.h>

using namespace triage;            // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::diagnose;  // NOLINT(google-build-using-namespace)

namespace {

const std::map<std::string, Json> documents{
    {"pg", Json::parse(R"({"used_count": 4, "by_state": [], "provenance": [
      {"figures": ["/used_count", "/by_state"], "source": "pg_stat_activity", "at": "t", "repeat": "psql"},
      {"figures": ["/max_count"], "source": "pg_settings", "at": "t", "repeat": "show"}]})")},
    {"logs", Json::parse(R"({"signatures": {}, "provenance": [
      {"figures": ["/signatures", "/errors"], "source": "a.log", "at": "t", "repeat": "grep"}]})")}};

}  // namespace

TEST_CASE("evidence sources: of a source only the figures that are read are named") {
  const auto sources =
      sources_of({{"pg", "/used_count"}, {"logs", "/signatures/pool.acquire_timeout"}}, documents);
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].source == "pg_stat_activity");
  CHECK(sources[0].figures == std::vector<std::string>{"/used_count"});
  CHECK(sources[1].figures == std::vector<std::string>{"/signatures/pool.acquire_timeout"});
}

TEST_CASE("evidence sources: a source that is read twice is named once, with both figures") {
  const auto sources = sources_of({{"pg", "/used_count"}, {"pg", "/by_state/0/name"}}, documents);
  REQUIRE(sources.size() == 1);
  CHECK(sources[0].figures == std::vector<std::string>{"/used_count", "/by_state/0/name"});
}

TEST_CASE("evidence sources: a probe without a document has no source") {
  CHECK(sources_of({{"lag", "/wait_p99_ms"}}, documents).empty());
  CHECK(probes_of({{"pg", "/a"}, {"lag", "/b"}, {"pg", "/c"}}) ==
        std::vector<std::string>{"pg", "lag"});
}
