#pragma once

#include <mutex>

#include "lib/base/session.h"

namespace triage::diagnose {

/// A probe's own session, so that a probe that never returns can be left behind: after detach() it
/// touches nothing of the run any more, and the run's clock and session may end before it.
class Relay {
 public:
  explicit Relay(Session& parent)
      : parent_(&parent),
        clock_(parent.clock()),
        session_(clock_, [this](const std::string& text) { forward(text); }) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() = default;

  Session& session() { return session_; }

  /// Adds what the probe touched and its longest pause to the run's.
  void merge_into_parent() {
    // asked before locking: a probe that reports its progress holds its session and waits for us
    std::vector<Touch> touched = session_.touched();
    const std::chrono::duration<double, std::milli> pause(session_.cost().pause_ms);
    const std::lock_guard lock(mutex_);
    for (auto& touch : touched) parent_->touch(std::move(touch));
    parent_->paused(std::chrono::duration_cast<Duration>(pause));
  }

  void detach() {
    const std::lock_guard lock(mutex_);
    parent_ = nullptr;
    clock_.stop();
  }

 private:
  /// The run's clock until it is stopped, then the time of that moment.
  class StoppableClock final : public Clock {
   public:
    explicit StoppableClock(const Clock& clock) : clock_(&clock) {}
    [[nodiscard]] WallTime now() const override {
      const std::lock_guard lock(mutex_);
      return clock_ == nullptr ? wall_ : clock_->now();
    }
    [[nodiscard]] Duration monotonic() const override {
      const std::lock_guard lock(mutex_);
      return clock_ == nullptr ? elapsed_ : clock_->monotonic();
    }
    void stop() {
      const std::lock_guard lock(mutex_);
      wall_ = clock_->now();
      elapsed_ = clock_->monotonic();
      clock_ = nullptr;
    }

   private:
    mutable std::mutex mutex_;
    const Clock* clock_;
    WallTime wall_;
    Duration elapsed_{0};
  };

  void forward(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (parent_ != nullptr) parent_->progress(text);
  }

  std::mutex mutex_;
  Session* parent_;
  StoppableClock clock_;
  Session session_;
};

}  // namespace triage::diagnose
