#pragma once

/// What the kernel's tcp_info tells of a database connection without asking the database: whether
/// a request is in flight. Works through TLS and when the server refuses every login.
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "lib/os/sock_diag.h"
#include "lib/probes/pool.h"

namespace triage::probes::pool {

/// Requests that were answered while the connections were followed.
struct Answers {
  std::int64_t requests_count = 0;  ///< data segments sent: one for a usual request
  std::vector<double> timed_s;      ///< how long those took whose two ends were seen
};

/// Follows the connections of this host to one server port over several dumps.
///
/// The last data sent later than the last data received is a request without an answer; the
/// opposite is an idle connection. Within one kernel tick (4 ms at HZ=250) the two are equal, as
/// they often are in a busy pool: then a pure acknowledgement after the last data means in flight,
/// and otherwise the data segments since the dump before are counted, as a request and a small
/// answer take one segment each. A connection that was never seen in a clear state is unknown.
class ConnectionTracker {
 public:
  /// Takes one dump; `at_s` counts from the first.
  void take(const std::vector<os::InetSocket>& sockets, double at_s);
  /// The state at the last dump, by port. Connections that have gone are left out.
  [[nodiscard]] std::vector<TrackedConnection> connections() const;
  /// How long the requests took that ended between the first dump and the last, as far as dumps
  /// tell: of several within one period only the last is timed.
  [[nodiscard]] const Answers& answers() const { return answers_; }

 private:
  enum class Flight { unknown, idle, in_flight };
  struct State {
    Flight flight = Flight::unknown;
    std::uint32_t segments_out = 0;
    std::uint32_t segments_in = 0;
    double seen_s = -1;
    double sent_s = 0;  ///< when the request in flight was sent
    std::optional<double> unread_since_s;
    TrackedConnection shown;
  };
  static Flight judge(const os::TcpHealth& tcp, const State& before);
  void time_answer(const os::TcpHealth& tcp, const State& before, Flight now, double at_s);

  std::map<std::uint16_t, State> states_;
  double last_s_ = 0;
  Answers answers_;
};

}  // namespace triage::probes::pool
