#pragma once

/// Iterations of an event loop without the kernel's help: what a look every millisecond tells. With
/// libuv's clock in memory the begin of an iteration is known to a millisecond also when the loop
/// never waits; without, only waits that a look falls into are seen.
#include <cstdint>
#include <functional>
#include <optional>

#include "lib/os/loop_trace.h"
#include "lib/os/thread_files.h"
#include "lib/os/uv_loop.h"

namespace triage::os {

class LoopPoll {
 public:
  /// `loop` is that of the main thread; `epoll_fd` -1 takes the first that the thread waits on.
  LoopPoll(std::optional<UvLoop> loop, int epoll_fd) : loop_(std::move(loop)), fd_(epoll_fd) {}

  /// What the looks so far and this one say; `call` is where the thread is at `now_ns`.
  void look(std::int64_t now_ns, const SyscallState& call,
            const std::function<void(const LoopEvent&)>& use);
  /// The pure half of look(), with libuv's state given.
  void step(std::int64_t now_ns, bool waits, const std::optional<UvLoop::State>& state,
            const std::function<void(const LoopEvent&)>& use);

 private:
  [[nodiscard]] LoopEvent event(LoopEvent::Kind kind, std::int64_t time_ns) const;

  std::optional<UvLoop> loop_;
  int fd_;
  bool first_ = true;
  bool waiting_ = false;
  std::int64_t last_ns_ = 0;
  std::optional<UvLoop::State> last_;
};

}  // namespace triage::os
