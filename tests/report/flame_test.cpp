#include "lib/report/flame.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace triage;

namespace {

FlameGraph graph() {
  FlameGraph made;
  made.name = "main <thread>";
  FlameNode main;
  main.name = "main";
  main.file = "/srv/a.js";
  main.line = 1;
  main.column = 1;
  FlameNode work;
  work.parent = 0;
  work.name = "work & more";
  work.file = "/srv/b.js";
  work.line = 12;
  work.column = 5;
  work.own_ms = 30;
  work.own_count = 3;
  made.nodes = {main, work};
  made.samples = {{1, 10}, {1, 10}, {1, 10}};
  return made;
}

/// Length-delimited and varint fields of a protocol buffer message, counted by field number.
std::vector<int> protobuf_fields(const std::string& bytes) {
  std::vector<int> counts(32, 0);
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    int shift = 0;
    while (true) {
      REQUIRE(at < bytes.size());
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      shift += 7;
      if ((byte & 0x80U) == 0) return value;
    }
  };
  while (at < bytes.size()) {
    const std::uint64_t key = varint();
    REQUIRE((key >> 3) < counts.size());
    ++counts[static_cast<std::size_t>(key >> 3)];
    const std::uint64_t value = varint();
    if ((key & 7) == 2) {
      REQUIRE(bytes.size() - at >= value);
      at += value;
    } else {
      REQUIRE((key & 7) == 0);
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("flame: folded lines name the way and its microseconds") {
  CHECK(flame_folded(graph()) == "main /srv/a.js:1;work & more /srv/b.js:12 30000\n");
}

TEST_CASE("flame: a cpuprofile has each sample, its node and the time between") {
  const auto json = nlohmann::json::parse(flame_cpuprofile(graph()));
  REQUIRE(json["samples"].size() == 3);
  CHECK(json["timeDeltas"].size() == 3);
  CHECK(json["timeDeltas"][0] == 10'000);
  const auto leaf = json["samples"][0];
  bool found = false;
  for (const auto& node : json["nodes"])
    if (node["id"] == leaf) {
      found = true;
      CHECK(node["callFrame"]["functionName"] == "work & more");
      CHECK(node["callFrame"]["lineNumber"] == 11);  // DevTools counts lines from 0
      CHECK(node["hitCount"] == 3);
    }
  CHECK(found);
  CHECK(json["endTime"].get<double>() - json["startTime"].get<double>() == 30'000);
}

TEST_CASE("flame: speedscope's weights add up to the time") {
  const auto json = nlohmann::json::parse(flame_speedscope(graph()));
  double sum = 0;
  for (const auto& weight : json["profiles"][0]["weights"]) sum += weight.get<double>();
  CHECK(sum == doctest::Approx(30));
  CHECK(json["shared"]["frames"].size() == 2);
}

TEST_CASE("flame: a pprof profile is whole messages: samples, locations, functions, strings") {
  const auto counts = protobuf_fields(flame_pprof(graph()));
  CHECK(counts[1] >= 1);  // sample_type
  CHECK(counts[2] == 1);  // sample
  CHECK(counts[4] == 2);  // location
  CHECK(counts[5] == 2);  // function
  CHECK(counts[6] >= 5);  // string_table
}

TEST_CASE("flame: names cannot leave the text of the picture") {
  const std::string svg = flame_svg(graph());
  CHECK(svg.find("work &amp; more") != std::string::npos);
  CHECK(svg.find("work & more") == std::string::npos);
  CHECK(flame_html(graph()).find("main &lt;thread&gt;") != std::string::npos);
}
