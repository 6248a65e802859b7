#include "lib/stats/own_excess.h"

#include <doctest/doctest.h>

#include <random>

using namespace triage;

namespace {

/// front calls back, back calls store: latencies add up; front has ten times the traffic of back.
stats::NodeTable table(std::size_t count, unsigned seed, double store_extra) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 0.002);
  stats::NodeTable nodes;
  for (std::size_t i = 0; i < count; ++i) {
    const double store = 0.010 + normal(random) + store_extra;
    const double back = 0.020 + store + normal(random);
    const double front = 0.030 + back / 10 + normal(random);
    nodes["store"].level.push_back(store);
    nodes["back"].level.push_back(back);
    nodes["front"].level.push_back(front);
    nodes["elsewhere"].level.push_back(0.1 + normal(random) + store_extra * 100);
    for (const auto& [name, requests] : {std::pair("store", 10.0), std::pair("back", 10.0),
                                         std::pair("front", 100.0), std::pair("elsewhere", 1e6)})
      nodes[name].requests.push_back(requests);
  }
  return nodes;
}

const stats::CallGraph graph{{"front", {"back"}}, {"back", {"store"}}};

}  // namespace

TEST_CASE(
    "own excess: the deepest node that adds is the cause, not its callers, nor who is not called") {
  const stats::ExcessModel model(table(300, 1, 0), graph, "front", 3);
  const auto answer = model.judge(table(3, 2, 0.2), 0.025);
  CHECK(answer.incident);
  REQUIRE_FALSE(answer.suspects.empty());
  CHECK(answer.suspects[0].node == "store");
  for (const auto& suspect : answer.suspects) CHECK(suspect.node != "elsewhere");
}

TEST_CASE("own excess: ordinary windows are called incidents about as often as allowed") {
  const stats::ExcessModel model(table(300, 1, 0), graph, "front", 3);
  int alarms = 0;
  for (unsigned seed = 100; seed < 300; ++seed)
    if (model.judge(table(3, seed, 0), 0.025).incident) ++alarms;
  CHECK(alarms <= 16);  // 5 expected of 200
}

TEST_CASE("own excess: another traffic or another unit changes nothing") {
  auto healthy = table(300, 1, 0);
  auto now = table(3, 2, 0.01);
  const auto plain = stats::ExcessModel(healthy, graph, "front", 3).judge(now, 0.025);
  for (auto* nodes : {&healthy, &now})
    for (auto& [name, series] : *nodes) {
      for (double& value : series.level) value *= 1000;
      for (double& value : series.requests) value *= 8;
    }
  const auto scaled = stats::ExcessModel(healthy, graph, "front", 3).judge(now, 0.025);
  CHECK(plain.p_value == doctest::Approx(scaled.p_value).epsilon(0.02));
  CHECK(plain.suspects.front().node == scaled.suspects.front().node);
}

TEST_CASE("own excess: without a history nothing is an incident") {
  const stats::ExcessModel model({}, graph, "front", 3);
  CHECK_FALSE(model.judge(table(3, 2, 9), 0.025).incident);
}
