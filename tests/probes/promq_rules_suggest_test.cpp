#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/probes/promq_rules.h"

using namespace triage;
using namespace triage::probes;
namespace fs = std::filesystem;

namespace {

promq_preset::Figure figure(const std::string& title, const std::string& unit, double limit,
                            double value, const std::string& query = "sum(x{a='b'})") {
  promq_preset::Figure one{title, unit, limit, query, {}, {}, {}};
  one.curves.push_back({"x", {}, 0, 15, std::vector<std::optional<double>>(60, value)});
  return one;
}

promq_rules::Result rules_of(std::vector<promq_preset::Figure> figures) {
  promq_rules::Sample sample;
  sample.service = "orders";
  sample.figures = std::move(figures);
  return promq_rules::analyse({}, sample);
}

}  // namespace

TEST_CASE("promq rules-suggest: a threshold is the limit, or above what is usual here") {
  const auto result =
      rules_of({figure("errors (5xx)", "ratio", 0.01, 0.0001),
                figure("event loop delay p99, worst", "s", 0.1, 0.33),
                figure("latency p99", "s", 0, 0.21), figure("request rate", "req/s", 0, 50),
                figure("CPU used", "ratio", 0.9, 0.8), figure("server reachable", "count", 0, 1)});
  REQUIRE(result.rules.size() == 5);  // a rate of requests is not bad by itself
  CHECK(result.rules[0].alert == "OrdersErrors5xx");
  CHECK(result.rules[0].threshold == doctest::Approx(0.01));
  CHECK(result.rules[0].severity == "critical");
  CHECK(result.rules[1].threshold == doctest::Approx(0.66));
  CHECK(result.rules[2].threshold == doctest::Approx(0.63));
  CHECK(result.rules[3].threshold == doctest::Approx(0.98));
  CHECK(result.rules[4].expression == "(sum(x{a='b'})) < 1");
}

TEST_CASE("promq rules-suggest: without data there is nothing to suggest, which is unknown") {
  promq_preset::Figure empty{"latency p99", "s", 0, "x", {}, {}, {}};
  const auto result = rules_of({empty});
  CHECK(result.rules.empty());
  CHECK(result.rules_yaml.empty());
  CHECK(result.envelope.severity == Severity::unknown);
}

TEST_CASE("promq rules-suggest: promtool takes the rules, quotes and braces in them too") {
  std::vector<promq_preset::Figure> figures;
  for (const auto kind : {promq_preset::Kind::red, promq_preset::Kind::saturation,
                          promq_preset::Kind::node, promq_preset::Kind::postgres}) {
    // The plan without any series names what it looks for; with all of them it has every query.
    std::vector<backends::Labels> series;
    for (const auto& plan : promq_preset::plan(kind, {}, "", 15)) {
      std::string names = plan.missing + ", ";
      for (auto at = names.find(", "); at != std::string::npos; at = names.find(", ")) {
        series.push_back({{"__name__", names.substr(0, at)}, {"code", "200"}, {"app", "it's"}});
        names.erase(0, at + 2);
      }
    }
    for (const auto& plan : promq_preset::plan(kind, series, "it's", 15))
      if (!plan.query.empty())
        figures.push_back(figure(plan.title, plan.unit, plan.limit, 0.01, plan.query));
  }
  REQUIRE(figures.size() > 20);
  const auto result = rules_of(figures);
  CHECK(result.rules.size() > 10);
  CHECK(result.rules_yaml.find("app=\"it''s\"") != std::string::npos);
  if (std::system("command -v promtool >/dev/null") != 0) {
    MESSAGE("promtool is not installed: the rules were not checked");
    return;
  }
  const fs::path file =
      fs::temp_directory_path() / ("triage-rules-" + std::to_string(::getpid()) + ".yml");
  std::ofstream(file) << result.rules_yaml;
  const std::string command = "promtool check rules " + file.string() + " 2>&1 >/dev/null";
  CHECK(std::system(command.c_str()) == 0);
  fs::remove(file);
}
