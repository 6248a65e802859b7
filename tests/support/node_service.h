#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "lib/os/fd.h"

namespace triage::testing {

/// A Node.js program of tests/data in the background, from its line "ready ..." until it is ended
/// by pid with the object.
class NodeService {
 public:
  /// `script` is relative to the top of the tree. Fails the test when the line does not come.
  explicit NodeService(const std::string& script, const std::vector<std::string>& arguments = {},
                       const std::vector<std::string>& environment = {},
                       const std::string& node = "node");
  NodeService(const NodeService&) = delete;
  NodeService& operator=(const NodeService&) = delete;
  ~NodeService();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string pid_text() const { return std::to_string(pid_); }
  [[nodiscard]] int port() const { return port_; }  ///< the number behind "ready"
  /// The next line that it prints; empty when it has ended.
  std::string line();
  /// Lines that are there now, without waiting.
  std::vector<std::string> lines_so_far();
  /// Whether it answers HTTP on its port within 5 s.
  [[nodiscard]] bool answers() const;
  /// Ends it at once (SIGKILL) and collects it.
  void end();

 private:
  bool fill(int wait_ms);

  pid_t pid_ = 0;
  os::Fd output_;
  std::string buffer_;
  int port_ = 0;
};

}  // namespace triage::testing
