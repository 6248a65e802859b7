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

void ConnectionTracker::time_answer(const os::TcpHealth& tcp, const State& before, Flight now,
                                    double at_s) {
  constexpr double ms_per_s = 1000;
  constexpr std::size_t kept = 100'000;
  if (before.seen_s < 0) return;
  const std::uint32_t sent = tcp.data_segments_out - before.segments_out;
  answers_.requests_count += sent;
  if (answers_.timed_s.size() >= kept) return;
  if (sent == 0) {
    // The one that was in flight has been answered.
    if (before.flight == Flight::in_flight && now == Flight::idle)
      answers_.timed_s.push_back(at_s - tcp.last_data_received_ms / ms_per_s - before.sent_s);
    return;
  }
  if (now == Flight::idle && tcp.last_data_sent_ms >= tcp.last_data_received_ms) {
    answers_.timed_s.push_back((tcp.last_data_sent_ms - tcp.last_data_received_ms) / ms_per_s);
  } else if (now == Flight::in_flight && before.flight == Flight::in_flight && sent == 1) {
    // The next request went out with the answer of the one before.
    answers_.timed_s.push_back(at_s - tcp.last_data_sent_ms / ms_per_s - before.sent_s);
  }
}

void ConnectionTracker::take(const std::vector<os::InetSocket>& sockets, double at_s) {
  constexpr double ms_per_s = 1000;
  last_s_ = at_s;
  for (const auto& socket : sockets) {
    if (!socket.tcp) continue;
    State& state = states_[socket.local_port];
    const Flight now = judge(*socket.tcp, state);
    time_answer(*socket.tcp, state, now, at_s);
    if (now == Flight::in_flight) state.sent_s = at_s - socket.tcp->last_data_sent_ms / ms_per_s;
    state.flight = now;
    state.shown.quiet = state.seen_s >= 0 && socket.tcp->data_segments_out == state.segments_out &&
                        socket.tcp->data_segments_in == state.segments_in;
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
