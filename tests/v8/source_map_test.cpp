#include "lib/v8/source_map.h"

#include <doctest/doctest.h>

#include <string>

#include "lib/base/error.h"

using namespace triage;
using namespace triage::v8;

namespace {

/// What tsc writes for "const a: number = 1;\nexport function f() { throw new Error(); }".
std::string map_of(const std::string& mappings) {
  return R"({"version":3,"file":"a.js","sourceRoot":"","sources":["../src/a.ts"],"names":["f"],)"
         R"("sourcesContent":["const a"],"mappings":")" +
         mappings + "\"}";
}

std::string found(const SourceMap& map, std::int64_t line, std::int64_t column) {
  const auto place = map.find(line, column);
  if (!place) return "nothing";
  return std::string(place->source) + ":" + std::to_string(place->line) + ":" +
         std::to_string(place->column);
}

}  // namespace

TEST_CASE("source_map: a place belongs to the last segment before it on its line") {
  // line 1: 0 -> 1:1, 4 -> 1:7; line 2 has none; line 3: 2 -> 3:3
  const SourceMap map(map_of("AAAA,IAAM;;EAEF"));
  CHECK(map.segments() == 3);
  CHECK(found(map, 1, 1) == "../src/a.ts:1:1");
  CHECK(found(map, 1, 4) == "../src/a.ts:1:1");
  CHECK(found(map, 1, 5) == "../src/a.ts:1:7");
  CHECK(found(map, 1, 500) == "../src/a.ts:1:7");
  CHECK(found(map, 2, 1) == "nothing");
  CHECK(found(map, 3, 2) == "nothing");
  CHECK(found(map, 3, 3) == "../src/a.ts:3:5");
  CHECK(found(map, 0, 0) == "nothing");
  CHECK(found(map, 9, 1) == "nothing");
}

TEST_CASE("source_map: numbers of several digits and negative ones are read") {
  // 16 is "gB", 1000 is "w+B", -1 is "D"
  const SourceMap map(map_of("gBAw+BgB;AADD"));
  CHECK(found(map, 1, 17) == "../src/a.ts:1001:17");
  CHECK(found(map, 2, 1) == "../src/a.ts:1000:16");
}

TEST_CASE("source_map: generated code without an original is no place of the one before") {
  const SourceMap map(map_of("AAAA,I,IAAI"));
  CHECK(found(map, 1, 5) == "nothing");
  CHECK(found(map, 1, 9) == "../src/a.ts:1:5");
}

TEST_CASE("source_map: the parts of an indexed map are moved by their offsets") {
  const std::string text = R"({"version":3,"sections":[)"
                           R"({"offset":{"line":0,"column":0},"map":)" +
                           map_of("AAAA") + R"(},{"offset":{"line":4,"column":10},"map":)" +
                           map_of("AAAA;AACA") + "}]}";
  const SourceMap map(text);
  CHECK(found(map, 1, 1) == "../src/a.ts:1:1");
  CHECK(found(map, 5, 10) == "nothing");
  CHECK(found(map, 5, 11) == "../src/a.ts:1:1");
  CHECK(found(map, 6, 1) == "../src/a.ts:2:1");
}

TEST_CASE("source_map: what is no map is an error, never a wrong place") {
  for (const auto& text :
       {std::string("{"), std::string("[]"), std::string("{}"), map_of("AA"), map_of("A!AA"),
        map_of("AAAAAA"), map_of("ACAA"), map_of("AADA"), map_of("gggggggggB"),
        std::string(R"({"sections":[{}]})"), std::string(R"({"sources":3,"mappings":""})")})
    CHECK_THROWS_AS(SourceMap{text}, Error);
  // cut at every byte
  const std::string whole = map_of("AAAA,IAAM;;EAEF");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS_AS(SourceMap{whole.substr(0, size)}, Error);
}

TEST_CASE("source_map: inline maps are decoded, and sources stand beside the map") {
  CHECK(decode_data_url("data:application/json;base64,eyJhIjoxfQ==") == "{\"a\":1}");
  CHECK(decode_data_url("data:application/json;charset=utf-8;base64,eyJhIjoxfQ") == "{\"a\":1}");
  CHECK(decode_data_url("data:application/json,%7B%22a%22:1%7D") == "{\"a\":1}");
  CHECK_FALSE(decode_data_url("a.js.map"));
  CHECK_FALSE(decode_data_url("data:application/json;base64,!!"));
  CHECK(resolve_source("/srv/dist/a.js.map", "../src/a.ts") == "/srv/src/a.ts");
  CHECK(resolve_source("/srv/dist/a.js.map", "./b/../a.ts") == "/srv/dist/a.ts");
  CHECK(resolve_source("/srv/dist/a.js.map", "/abs/a.ts") == "/abs/a.ts");
  CHECK(resolve_source("/srv/dist/a.js.map", "webpack://app/./src/a.ts") ==
        "webpack://app/./src/a.ts");
  CHECK(resolve_source("/srv/a.map", "file:///srv/src/a%20b.ts") == "/srv/src/a b.ts");
}
