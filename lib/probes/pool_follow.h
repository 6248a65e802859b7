#pragma once

/// What `triage pool` watches between two looks at the server: tcp_info of this host's connections
/// every 20 ms, and the application's own pools where the inspector is allowed.
#include <chrono>
#include <functional>
#include <optional>
#include <set>

#include "lib/base/session.h"
#include "lib/probes/pool_track.h"

namespace triage::probes::pool {

/// Waits, and calls `beside` every 20 ms.
void wait_beside(Duration wait, const Session& session, const std::function<void()>& beside);

/// Follows this host's connections to the server's port.
class Follower {
 public:
  Follower(std::uint16_t port, const Session& session);
  void take();
  /// Compares the last dump with what the server said since the dump before; connections on which
  /// data went meanwhile are left out.
  void compare(Sample& sample) const;
  void give(Sample& sample) const;

 private:
  [[nodiscard]] double elapsed_s() const;

  const Session& session_;
  Duration start_;
  os::InetFilter filter_;
  std::optional<std::set<std::uint32_t>> own_;
  ConnectionTracker tracker_;
};

}  // namespace triage::probes::pool
