#include "tests/support/prometheus_server.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "tests/support/postgres_server.h"

namespace triage::testing {
namespace {

using namespace std::chrono_literals;

/// Writes the files and gives the command line.
std::vector<std::string> prepare(const TemporaryDirectory& directory, const PrometheusSetup& setup,
                                 int port) {
  std::string configuration =
      "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n"
      "  evaluation_interval: 1s\n";
  if (!setup.rules.empty())
    configuration += "rule_files: ['" + directory.write("rules.yml", setup.rules) + "']\n";
  configuration += "scrape_configs:\n";
  for (const std::string& target : setup.targets) {
    const auto equals = target.find('=');
    configuration += fmt::format("  - job_name: {}\n    static_configs:\n      - targets: ['{}']\n",
                                 target.substr(0, equals), target.substr(equals + 1));
  }
  const std::string data = directory.path() + "/data";
  if (!setup.history.empty()) {
    const std::string text = directory.write("history.txt", setup.history);
    const auto made =
        run_command({"promtool", "tsdb", "create-blocks-from", "openmetrics", text, data});
    if (made.exit_code != 0) throw std::runtime_error("promtool: " + made.error + made.out);
  }
  return {"prometheus", "--config.file=" + directory.write("prometheus.yml", configuration),
          "--storage.tsdb.path=" + data, fmt::format("--web.listen-address=127.0.0.1:{}", port),
          "--log.level=warn"};
}

}  // namespace

BackgroundProgram::BackgroundProgram(const std::vector<std::string>& arguments,
                                     const std::string& log) {
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  ::_exit(127);
}

BackgroundProgram::~BackgroundProgram() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void wait_for(const std::string& what, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("waited in vain for " + what);
    std::this_thread::sleep_for(100ms);
  }
}

PrometheusServer::PrometheusServer(const PrometheusSetup& setup)
    : port_(free_port()),
      program_(prepare(directory_, setup, port_), directory_.path() + "/prometheus.log") {
  wait_for("a ready Prometheus", [&] {
    return run_command({"curl", "-sf", address() + "/-/ready"}).exit_code == 0;
  });
}

std::string PrometheusServer::address() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void PrometheusServer::wait_for_value(const std::string& expression) const {
  wait_for(expression, [&] {
    const auto answer = run_command(
        {"curl", "-sG", "--data-urlencode", "query=" + expression, address() + "/api/v1/query"});
    return answer.out.find("\"value\"") != std::string::npos;
  });
}

}  // namespace triage::testing
