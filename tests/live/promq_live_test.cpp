#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/support/command.h"
#include "tests/support/postgres_server.h"
#include "tests/support/prometheus_server.h"

using triage::Json;
using triage::testing::BackgroundProgram;
using triage::testing::free_port;
using triage::testing::PostgresServer;
using triage::testing::PrometheusServer;
using triage::testing::run_command;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

constexpr int step_s = 15;
constexpr int window_s = 3600;
constexpr int change_s = 1200;  ///< before the end
constexpr int day_s = 86'400;
constexpr double rate_before = 20;

/// The history of a shop: `orders` serves 20 requests a second in 50 ms until `inventory`, which it
/// calls, becomes slow twenty minutes before the end; then they take 400 ms and 5 % fail. The same
/// hour of the day before has nothing of it.
class Shop {
 public:
  Shop() : end_(static_cast<double>(std::time(nullptr) / step_s * step_s)) {
    each("http_request_duration_seconds", "histogram",
         [&](double at, double ticks, bool slow) { histogram(at, ticks, slow); });
    each("http_requests", "counter", [&](double at, double ticks, bool slow) {
      const double failed = slow ? (at - change()) * rate_before / 20 : 0;
      line("http_requests_total", R"(app="orders",status="200")", ticks * rate_before - failed, at);
      line("http_requests_total", R"(app="orders",status="500")", failed, at);
    });
    each("call_seconds", "gauge", [&](double at, double ticks, bool slow) {
      const double ripple = std::fmod(ticks, 7.0) / 7000;
      line("call_seconds", R"(app="orders")", (slow ? 0.4 : 0.05) + ripple, at);
      line("call_seconds", R"(app="inventory")", (slow ? 0.3 : 0.02) + ripple, at);
      line("call_seconds", R"(app="mail")", 0.1 + ripple, at);
    });
    text_ += "# EOF\n";
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] double end() const { return end_; }
  [[nodiscard]] double change() const { return end_ - change_s; }

 private:
  void each(const std::string& name, const std::string& type,
            const std::function<void(double at, double ticks, bool slow)>& write) {
    text_ += fmt::format("# TYPE {} {}\n", name, type);
    // OpenMetrics wants each series in order of time; promtool takes them interleaved.
    for (const double begin : {end_ - day_s - window_s, end_ - window_s - 60})
      for (double at = begin; at <= begin + window_s + 60; at += step_s)
        write(at, at - (end_ - 2 * day_s), at > change() && begin > end_ - day_s / 2.0);
  }
  void histogram(double at, double ticks, bool slow) {
    const double all = ticks * rate_before;
    const double late = slow ? (at - change()) * rate_before : 0;
    const auto bucket = [&](const char* le, double count) {
      line("http_request_duration_seconds_bucket", fmt::format(R"(app="orders",le="{}")", le),
           count, at);
    };
    bucket("0.1", all - late);
    bucket("0.5", all);
    bucket("2.5", all);
    bucket("+Inf", all);
    line("http_request_duration_seconds_count", R"(app="orders")", all, at);
    line("http_request_duration_seconds_sum", R"(app="orders")", all * 0.05 + late * 0.35, at);
  }
  void line(const std::string& name, const std::string& labels, double value, double at) {
    text_ += fmt::format("{}{{{}}} {:.6g} {:.0f}\n", name, labels, value, at);
  }

  double end_;
  std::string text_;
};

/// One Prometheus with the history of the shop for all tests that only read it.
struct Past {
  Shop shop;
  PrometheusServer server{{shop.text(), {}, {}}};
};

Past& past() {
  static Past the_past;
  return the_past;
}

Json ask(const std::vector<std::string>& words, int exit_code) {
  std::vector<std::string> arguments{"promq"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  arguments.insert(arguments.end(), {"-o", "json"});
  const auto result = run_triage(arguments);
  INFO(result.error);
  CHECK(result.exit_code == exit_code);
  return Json::parse(result.out.empty() ? "{}" : result.out);
}

/// The same about the hour that the history describes.
Json ask_past(std::vector<std::string> words, int exit_code = 0) {
  words.insert(words.end(), {"--prometheus", past().server.address(), "--to",
                             triage::to_rfc3339(triage::from_epoch_seconds(past().shop.end()))});
  return ask(words, exit_code);
}

bool has_finding(const Json& document, const std::string& id) {
  for (const auto& finding : document["findings"])
    if (finding["id"] == id) return true;
  return false;
}

const Json& figure(const Json& document, const std::string& title) {
  for (const auto& one : document["figures"])
    if (one["title"] == title) return one;
  static const Json none;
  FAIL_CHECK("no figure " << title);
  return none;
}

}  // namespace

TEST_CASE("promq: the onset of a change is told with its interval, against the day before") {
  const Json document = ask_past({"call_seconds{app=\"orders\"}", "--baseline", "24h"});
  const Json& row = document["rows"][0];
  CHECK(row["before"].get<double>() == doctest::Approx(0.05).epsilon(0.05));
  CHECK(row["after"].get<double>() == doctest::Approx(0.4).epsilon(0.05));
  CHECK(row["onset_from_s"].get<double>() <= past().shop.change() + step_s);
  CHECK(row["onset_to_s"].get<double>() >= past().shop.change() - step_s);
  CHECK(std::abs(row["onset_s"].get<double>() - past().shop.change()) <= 2 * step_s);
  CHECK(row["anomaly_score"].get<double>() > 10);
  CHECK(row["baseline_ratio"].get<double>() == doctest::Approx(1).epsilon(0.05));
  CHECK(document["touched"].size() == 1);
  CHECK(document["touched"][0]["count"] == 2);
}

TEST_CASE("promq: an instant value is the server's own, and a quantile names its bucket") {
  const Json value = ask_past({"--instant", "count(call_seconds)"});
  CHECK(value["rows"][0]["last"] == 3);
  const Json quantile = ask_past(
      {"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))"});
  CHECK(quantile["rows"][0]["bucket"] == Json::parse(R"({"low": 0.1, "high": 0.5})"));
}

TEST_CASE("promq red: rate, failures and latency of the incident are told from their names") {
  const Json document = ask_past({"red", "orders", "--baseline", "24h"});
  CHECK(figure(document, "request rate")["row"]["last"].get<double>() ==
        doctest::Approx(rate_before).epsilon(0.01));
  CHECK(figure(document, "errors (5xx)")["row"]["last"].get<double>() ==
        doctest::Approx(0.05).epsilon(0.02));
  const Json& slow = figure(document, "latency p99")["row"];
  CHECK(slow["bucket"] == Json::parse(R"({"low": 0.1, "high": 0.5})"));
  CHECK(std::abs(slow["onset_s"].get<double>() - past().shop.change()) < 90);
  CHECK(figure(document, "request rate")["row"]["baseline_ratio"].get<double>() ==
        doctest::Approx(1).epsilon(0.02));
  CHECK(has_finding(document, "above_limit"));
}

TEST_CASE("promq gate: the level decides, and no data is no pass") {
  CHECK(
      has_finding(ask_past({"gate", "max(call_seconds)", "--fail-if", "> 0.2"}, 1), "gate_failed"));
  ask_past({"gate", "max(call_seconds)", "--fail-if", "> 2"}, 0);
  ask_past({"gate", "no_such_metric", "--fail-if", "> 2"}, 3);
}

TEST_CASE("promq rank: what moved is told, and the callee before its caller") {
  const TemporaryDirectory directory;
  const auto graph = directory.write("calls.csv", "caller,callee\norders,inventory\norders,mail\n");
  const Json document =
      ask_past({"rank", "--query", "call_seconds", "--graph", graph, "--step", "15s"});
  CHECK(std::abs(document["onset_s"].get<double>() - past().shop.change()) <= 3 * step_s);
  CHECK(document["services"][0]["name"] == "inventory");
  CHECK(document["services"][1]["name"] == "mail");
  CHECK(document["services"][2]["name"] == "orders");
  CHECK(document["services"][2]["effect_of"] == "inventory");
  CHECK(has_finding(document, "moved_behind"));
}

TEST_CASE("promq rules-suggest: promtool takes what it writes from real data") {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/rules.yml";
  ask_past({"rules-suggest", "orders", "--write", file});
  const auto checked = run_command({"promtool", "check", "rules", file});
  CHECK(checked.exit_code == 0);
  CHECK(checked.out.find("SUCCESS") != std::string::npos);
}

TEST_CASE("promq: a wrong expression is one line with its place, a server that is down exit 4") {
  const auto wrong = run_triage({"promq", "rate(up[", "--prometheus", past().server.address()});
  CHECK(wrong.exit_code == 2);
  CHECK(wrong.error.find("rate(up[") != std::string::npos);
  const auto down = run_triage({"promq", "up", "--retries", "0", "--prometheus",
                                fmt::format("http://127.0.0.1:{}", free_port())});
  CHECK(down.exit_code == 4);
  CHECK(down.error.find("check the address") != std::string::npos);
}

TEST_CASE("promq node, postgres, alerts: the exporters of Debian are read by their names") {
  const PostgresServer postgres;
  const TemporaryDirectory directory;
  const int node_port = free_port();
  const BackgroundProgram node(
      {"prometheus-node-exporter", fmt::format("--web.listen-address=127.0.0.1:{}", node_port)},
      directory.path() + "/node.log");
  const int postgres_port = free_port();
  const BackgroundProgram exporter(
      {"env", "DATA_SOURCE_NAME=" + postgres.uri() + "?sslmode=disable",
       "prometheus-postgres-exporter",
       fmt::format("--web.listen-address=127.0.0.1:{}", postgres_port)},
      directory.path() + "/postgres.log");
  const PrometheusServer server({{},
                                 {fmt::format("node=127.0.0.1:{}", node_port),
                                  fmt::format("postgres=127.0.0.1:{}", postgres_port)},
                                 "groups:\n- name: test\n  rules:\n  - alert: AlwaysThere\n"
                                 "    expr: vector(1)\n    labels: {severity: critical}\n"});
  server.wait_for_value("rate(node_cpu_seconds_total[1m])");
  server.wait_for_value("rate(pg_stat_database_xact_commit[1m])");
  server.wait_for_value("ALERTS{alertstate=\"firing\"}");
  const std::vector<std::string> now{"--since", "1m", "--prometheus", server.address()};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), now.begin(), now.end());
    return words;
  };
  const Json host = ask(with({"node"}), 0);
  for (const char* title : {"CPU used", "load per minute", "memory used", "fullest disk"})
    CHECK(figure(host, title)["row"]["last"].is_number());
  const Json database = ask(with({"postgres"}), 0);
  CHECK(figure(database, "server reachable")["row"]["last"] == 1);
  for (const char* title : {"connections / max_connections", "commits"})
    CHECK(figure(database, title)["row"]["last"].is_number());
  const Json alerts = ask({"alerts", "--prometheus", server.address()}, 1);
  CHECK(alerts["alerts"][0]["name"] == "AlwaysThere");
  CHECK(alerts["alerts"][0]["state"] == "firing");
}
