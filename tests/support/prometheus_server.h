#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/command.h"

namespace triage::testing {

/// A program in the background, its output in a file; ended by its pid with the object.
class BackgroundProgram {
 public:
  BackgroundProgram(const std::vector<std::string>& arguments, const std::string& log);
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;
  ~BackgroundProgram();

 private:
  pid_t pid_ = 0;
};

/// Waits until `done` holds; fails the test after a minute with what was waited for.
void wait_for(const std::string& what, const std::function<bool()>& done);

struct PrometheusSetup {
  std::string history;               ///< OpenMetrics text with time stamps, put in before the start
  std::vector<std::string> targets;  ///< "job=127.0.0.1:9100", scraped each second
  std::string rules;                 ///< YAML of a rule file
};

/// Debian's Prometheus on a free port of loopback, with its data in a directory of its own.
class PrometheusServer {
 public:
  explicit PrometheusServer(const PrometheusSetup& setup);

  [[nodiscard]] std::string address() const;
  /// Waits until the expression has a value.
  void wait_for_value(const std::string& expression) const;

 private:
  TemporaryDirectory directory_;
  int port_;
  BackgroundProgram program_;
};

}  // namespace triage::testing
