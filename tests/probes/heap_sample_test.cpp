#include "lib/probes/heap_sample.h"

#include <doctest/doctest.h>

#include "lib/base/error.h"
#include "lib/base/json.h"

using namespace triage;
using probes::heap_sample::sites_of;

namespace {

Json node(const char* function, int line, double self, Json children = Json::array()) {
  return {{"callFrame",
           {{"functionName", function},
            {"url", line > 0 ? "file:///app/a.js" : ""},
            {"lineNumber", line - 1},
            {"columnNumber", 0}}},
          {"selfSize", self},
          {"children", std::move(children)}};
}

}  // namespace

TEST_CASE("heap sample: a function is one site, with the callers of its largest part") {
  const Json small = node("leak", 7, 100);
  const Json large = node("handler", 3, 0, Json::array({node("leak", 7, 900)}));
  const auto sites =
      sites_of({{"head", node("(root)", 0, 0, Json::array({small, large, node("", 9, 500)}))}});
  REQUIRE(sites.size() == 2);
  CHECK(sites[0].function == "leak");
  CHECK(sites[0].place == "/app/a.js:7:1");
  CHECK(sites[0].bytes == 1000);
  CHECK(sites[0].ratio == doctest::Approx(2.0 / 3));
  REQUIRE(sites[0].stack.size() == 1);
  CHECK(sites[0].stack[0] == "handler /app/a.js:3:1");
  CHECK(sites[1].function == "(anonymous)");
}

TEST_CASE("heap sample: nonsense is malformed, and deep profiles are no problem") {
  CHECK_THROWS_AS(sites_of(Json()), Error);
  CHECK_THROWS_AS(sites_of({{"head", 7}}), Error);
  CHECK_THROWS_AS(sites_of({{"head", {{"callFrame", 7}}}}), Error);
  Json chain = node("deepest", 1, 64);
  for (int i = 0; i < 2000; ++i) chain = node("f", 2, 0, Json::array({std::move(chain)}));
  CHECK(sites_of({{"head", std::move(chain)}}).front().function == "deepest");
}
