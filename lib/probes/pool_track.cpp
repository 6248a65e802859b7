#include "lib/probes/pool_track.h"

#include <algorithm>

namespace triage::probes::pool {

ConnectionTracker::Flight ConnectionTracker::judge(const os::TcpHealth& tcp, const State& before) {
  if (tcp.last_data_sent_ms < tcp.last_data_received_ms) return Flight::in_flight;
  if (tcp.last_data_sent_ms > tcp.last_data_received_ms) return Flight::idle;
  if (tcp.last_ack_received_ms < tcp.last_data_received_ms) return Flight::in_flight;
  // unsigned differences are right across a wrap
  const std::uint32_t out = tcp.data_segments_out - before.segments_out;
  const std::uint32_t in = tcp.data_segments_in - before.segments_in;
  if (before.flight == Flight::in_flight) return in <= out ? Flight::in_flight : Flight::idle;
  if (before.flight == Flight::idle) return in < out ? Flight::in_flight : Flight::idle;
  return Flight::unknown;
}

void ConnectionTracker::take(const std::vector<os::InetSocket>& sockets, double at_s) {
  constexpr double ms_per_s = 1000;
  last_s_ = at_s;
  for (const auto& socket : sockets) {
    if (!socket.tcp) continue;
    State& state = states_[socket.local_port];
    state.flight = judge(*socket.tcp, state);
    state.segments_out = socket.tcp->data_segments_out;
    state.segments_in = socket.tcp->data_segments_in;
    state.seen_s = at_s;
    if (socket.receive_queue == 0) state.unread_since_s.reset();
    if (socket.receive_queue > 0 && !state.unread_since_s) state.unread_since_s = at_s;
    TrackedConnection& shown = state.shown;
    shown.port = socket.local_port;
    // A repetition sets "last sent" anew: the silence is what the peer's side says.
    shown.stalled = socket.retransmits;
    const std::uint32_t silent_ms =
        std::min(socket.tcp->last_data_received_ms, socket.tcp->last_ack_received_ms);
    shown.age_s = (socket.retransmits ? silent_ms : socket.tcp->last_data_sent_ms) / ms_per_s;
    shown.unread_s = state.unread_since_s ? at_s - *state.unread_since_s : 0;
    shown.state = "unknown";
    if (state.flight == Flight::in_flight) shown.state = "in flight";
    if (state.flight == Flight::idle) shown.state = "idle";
  }
}

std::vector<TrackedConnection> ConnectionTracker::connections() const {
  std::vector<TrackedConnection> found;
  for (const auto& [port, state] : states_)
    if (state.seen_s == last_s_) found.push_back(state.shown);
  return found;
}

}  // namespace triage::probes::pool
