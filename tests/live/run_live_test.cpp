// The incidents of scenarios/, started for real: Node.js, PostgreSQL and load of their own.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "lib/base/json.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::CommandResult;
using triage::testing::run_command;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

/// One scenario that runs as long as the object lives.
class Scenario {
 public:
  explicit Scenario(std::string name) : name_(std::move(name)) {
    // the user of the database must be able to pass through
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    const CommandResult started = call("start");
    REQUIRE_MESSAGE(started.exit_code == 0, started.error);
    std::istringstream lines(call("env").out);
    for (std::string line; std::getline(lines, line);) {
      const auto equals = line.find('=');
      // NAME='value'
      values_[line.substr(0, equals)] = line.substr(equals + 2, line.size() - equals - 3);
    }
  }
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;
  ~Scenario() { call("stop"); }

  CommandResult call(const std::string& command) const {
    return run_command({TRIAGE_SOURCE_DIR "/scenarios/scenario", command, name_},
                       {"TRIAGE_SCENARIO_ROOT=" + directory_.path()});
  }
  [[nodiscard]] const std::string& value(const std::string& name) const { return values_.at(name); }
  /// `triage run db-timeout` on it, as JSON.
  [[nodiscard]] CommandResult run(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run",       "db-timeout",     "--target", value("TARGET"),
                                       "--db",      value("DB"),      "--logs",   value("LOGS"),
                                       "--service", value("SERVICE"), "-o",       "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_triage(arguments);
  }

 private:
  TemporaryDirectory directory_;
  std::string name_;
  std::map<std::string, std::string> values_;
};

}  // namespace

TEST_CASE("run: the report query that holds the pool is found, first and with its route") {
  const Scenario scenario("db-timeout/report-query-hog");
  const CommandResult verified = scenario.call("verify");
  REQUIRE_MESSAGE(verified.exit_code == 0, verified.error);
  const CommandResult result = scenario.run();
  const Json document = Json::parse(result.out);
  CHECK(result.exit_code == 1);
  CHECK(document["verdict"]["hypothesis"] == "hog");
  const std::string word = document["verdict"]["word"];
  CHECK((word == "likely" || word == "confirmed"));
  CHECK(document["verdict"]["chain"].get<std::string>().find("/reports/monthly") !=
        std::string::npos);
  CHECK(document["cost"]["pause_ms"] == 0);
  // the service and its database run on as before
  CHECK(scenario.call("verify").exit_code == 0);
}

TEST_CASE("run: its healthy twin has nothing wrong") {
  const Scenario scenario("db-timeout/healthy");
  REQUIRE(scenario.call("verify").exit_code == 0);
  const CommandResult result = scenario.run();
  const Json document = Json::parse(result.out);
  CHECK(result.exit_code == 0);
  CHECK(document["verdict"]["word"] == "healthy");
  CHECK(document["now"].empty());
  CHECK(scenario.call("verify").exit_code == 0);
}
