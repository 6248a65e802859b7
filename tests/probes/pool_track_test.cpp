#include "lib/probes/pool_track.h"

#include <doctest/doctest.h>

using namespace triage;
using probes::pool::ConnectionTracker;

namespace {

os::InetSocket socket_of(std::uint32_t sent_ms, std::uint32_t received_ms, std::uint32_t ack_ms,
                         std::uint32_t out = 0, std::uint32_t in = 0) {
  os::InetSocket socket;
  socket.local_port = 40000;
  socket.tcp.emplace();
  socket.tcp->last_data_sent_ms = sent_ms;
  socket.tcp->last_data_received_ms = received_ms;
  socket.tcp->last_ack_received_ms = ack_ms;
  socket.tcp->data_segments_out = out;
  socket.tcp->data_segments_in = in;
  return socket;
}

std::string state_after(const std::vector<os::InetSocket>& dumps) {
  ConnectionTracker tracker;
  double at_s = 0;
  for (const auto& socket : dumps) tracker.take({socket}, at_s += 0.02);
  return tracker.connections().at(0).state;
}

}  // namespace

TEST_CASE("pool track: a request after the last answer is in flight, an answer after it is not") {
  CHECK(state_after({socket_of(100, 900, 100)}) == "in flight");
  CHECK(state_after({socket_of(900, 100, 100)}) == "idle");
}

TEST_CASE("pool track: within one tick an acknowledgement after the data means in flight") {
  CHECK(state_after({socket_of(8, 8, 4)}) == "in flight");
}

TEST_CASE("pool track: a tie without a sign is unknown until segments can be counted") {
  CHECK(state_after({socket_of(8, 8, 8, 5, 5)}) == "unknown");
  // idle, then one request and no answer
  CHECK(state_after({socket_of(900, 100, 100, 5, 5), socket_of(8, 8, 8, 6, 5)}) == "in flight");
  // in flight, then its answer and nothing new
  CHECK(state_after({socket_of(100, 900, 100, 5, 4), socket_of(8, 8, 8, 5, 5)}) == "idle");
  // in flight, then its answer and the next request
  CHECK(state_after({socket_of(100, 900, 100, 5, 4), socket_of(8, 8, 8, 6, 5)}) == "in flight");
}

TEST_CASE("pool track: segment counters may wrap") {
  CHECK(state_after({socket_of(900, 100, 100, 0xFFFFFFFF, 7), socket_of(8, 8, 8, 0, 7)}) ==
        "in flight");
}

TEST_CASE("pool track: a repetition is stalled and its age is the peer's silence") {
  auto socket = socket_of(300, 2000, 2100);
  socket.retransmits = true;
  ConnectionTracker tracker;
  tracker.take({socket}, 0);
  CHECK(tracker.connections().at(0).stalled);
  CHECK(tracker.connections().at(0).age_s == doctest::Approx(2));
}

TEST_CASE("pool track: answers that nobody reads are timed, and closed connections are left out") {
  ConnectionTracker tracker;
  auto socket = socket_of(900, 800, 800);
  socket.receive_queue = 60;
  tracker.take({socket}, 0);
  tracker.take({socket}, 0.5);
  CHECK(tracker.connections().at(0).unread_s == doctest::Approx(0.5));
  tracker.take({}, 0.6);
  CHECK(tracker.connections().empty());
}
