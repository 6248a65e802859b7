#include "lib/probes/pool_follow.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>

#include "lib/base/clock.h"
#include "lib/os/procfs.h"
#include "lib/os/socket_owner.h"

namespace triage::probes::pool {
namespace {

constexpr int established = 1;  // net/tcp_states.h

/// The connection of triage itself is not one of the service.
std::set<std::uint32_t> own_inodes(const std::vector<os::InetSocket>& sockets) {
  std::set<std::uint32_t> inodes;
  for (const auto& socket : sockets) inodes.insert(socket.inode);
  std::set<std::uint32_t> own;
  for (const auto& [inode, pid] :
       os::find_socket_owners(os::Procfs(), inodes, {::getpid()}).pid_of_inode)
    own.insert(inode);
  return own;
}

}  // namespace

void wait_beside(Duration wait, const Session& session, const std::function<void()>& beside) {
  using namespace std::chrono_literals;
  const Duration end = session.clock().monotonic() + std::min(wait, session.remaining());
  while (session.clock().monotonic() < end && !session.cancelled()) {
    const Duration next = session.clock().monotonic() + 20ms;
    beside();
    const Duration left = std::min(end, next) - session.clock().monotonic();
    std::this_thread::sleep_for(std::clamp<Duration>(left, 0ms, 20ms));
  }
}

Follower::Follower(std::uint16_t port, const Session& session)
    : session_(session), start_(session.clock().monotonic()) {
  filter_.peer_port = port;
  filter_.health = true;
  filter_.states = 1U << static_cast<unsigned>(established);
}

void Follower::take() {
  auto sockets = os::dump_inet(filter_);
  if (!own_) own_ = own_inodes(sockets);
  std::erase_if(sockets, [&](const os::InetSocket& s) { return own_->contains(s.inode); });
  tracker_.take(sockets, elapsed_s());
}

void Follower::compare(Sample& sample) const {
  std::map<std::int64_t, bool> active;
  for (const auto& backend : sample.backends)
    if (backend.port > 0 && !backend.state.empty())
      active[backend.port] = backend.state == "active";
  for (const auto& connection : tracker_.connections()) {
    const auto found = active.find(connection.port);
    if (found == active.end() || !connection.quiet) continue;
    ++sample.compared_count;
    if (found->second == (connection.state == "in flight")) ++sample.agreed_count;
  }
}

void Follower::give(Sample& sample) const {
  sample.tracked = tracker_.connections();
  sample.tracked_s = elapsed_s();
  sample.requests_count = tracker_.answers().requests_count;
  sample.answers_s = tracker_.answers().timed_s;
}

double Follower::elapsed_s() const {
  return std::chrono::duration<double>(session_.clock().monotonic() - start_).count();
}

}  // namespace triage::probes::pool
