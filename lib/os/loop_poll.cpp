#include "lib/os/loop_poll.h"

#include <algorithm>

#include "lib/os/thread_wait.h"

namespace triage::os {
namespace {

using Kind = LoopEvent::Kind;

/// libuv cuts its clock to milliseconds: the middle of the one it names.
std::int64_t in_ns(std::int64_t time_ms) {
  return time_ms * 1'000'000 + 500'000;
}

}  // namespace

LoopEvent LoopPoll::event(Kind kind, std::int64_t time_ns) const {
  LoopEvent event;
  event.kind = kind;
  event.time_ns = time_ns;
  event.fd = fd_;
  event.timeout_ms = -1;
  return event;
}

void LoopPoll::look(std::int64_t now_ns, const SyscallState& call,
                    const std::function<void(const LoopEvent&)>& use) {
  const bool in_epoll = is_epoll_wait(call);
  const int fd = in_epoll ? static_cast<int>(call.arguments[0]) : -1;
  if (fd_ < 0) fd_ = fd;
  step(now_ns, in_epoll && fd == fd_, loop_ ? loop_->read() : std::nullopt, use);
}

void LoopPoll::step(std::int64_t now_ns, bool waits, const std::optional<UvLoop::State>& state,
                    const std::function<void(const LoopEvent&)>& use) {
  // libuv's counter grows each time before it waits; its clock also in the middle of an iteration
  const bool crossed = state && last_ &&
                       (state->iterations ? state->iterations != last_->iterations
                                          : state->time_ms != last_->time_ms);
  const std::int64_t begun =
      state ? std::clamp(in_ns(state->time_ms), std::min(last_ns_, now_ns), now_ns) : now_ns;
  if (first_) {
    waiting_ = waits;
  } else if (waiting_ && !waits) {
    use(event(Kind::wait_exit, begun));
  } else if (waiting_ && crossed) {
    // a short iteration between two looks: it counts, its length is below a look
    use(event(Kind::wait_exit, now_ns));
    use(event(Kind::wait_enter, now_ns));
  } else if (!waiting_ && waits) {
    use(event(Kind::wait_enter, last_ns_ + (now_ns - last_ns_) / 2));
  } else if (!waiting_ && crossed) {
    use(event(Kind::wait_enter, begun));
    use(event(Kind::wait_exit, begun));
  }
  first_ = false;
  waiting_ = waits;
  last_ns_ = now_ns;
  if (state) last_ = state;
}

}  // namespace triage::os
