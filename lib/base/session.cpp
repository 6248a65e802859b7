#include "lib/base/session.h"

#include <algorithm>
#include <chrono>

namespace triage {
namespace {

double to_ms(Duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

}  // namespace

Session::Session(const Clock& clock, Progress progress)
    : clock_(clock),
      progress_(std::move(progress)),
      start_(clock.monotonic()),
      start_cpu_(own_cpu_time()) {}

void Session::touch(Touch touch) {
  const std::lock_guard lock(mutex_);
  if (frozen_cost_) return;
  const auto same = std::find_if(touched_.begin(), touched_.end(), [&](const Touch& other) {
    return other.what == touch.what && other.detail == touch.detail;
  });
  if (same == touched_.end()) {
    touched_.push_back(std::move(touch));
  } else {
    same->count += touch.count;
    same->duration_ms += touch.duration_ms;
  }
}

void Session::paused(Duration pause) {
  const std::lock_guard lock(mutex_);
  longest_pause_ = std::max(longest_pause_, pause);
}

void Session::progress(const std::string& text) const {
  const std::lock_guard lock(mutex_);
  if (progress_) progress_(text);
}

Duration Session::remaining() const {
  if (deadline_ == Duration::max()) return Duration::max();
  return std::max(Duration(0), deadline_ - clock_.monotonic());
}

void Session::set_deadline(Duration from_now) {
  deadline_ = clock_.monotonic() + from_now;
}

bool Session::cancelled() const {
  return cancelled_.load(std::memory_order_relaxed) || remaining() == Duration(0);
}

std::vector<Touch> Session::touched() const {
  const std::lock_guard lock(mutex_);
  std::vector<Touch> sorted = touched_;
  std::sort(sorted.begin(), sorted.end(), [](const Touch& a, const Touch& b) {
    return std::tie(a.what, a.detail) < std::tie(b.what, b.detail);
  });
  return sorted;
}

Cost Session::cost() const {
  const std::lock_guard lock(mutex_);
  if (frozen_cost_) return *frozen_cost_;
  return {to_ms(own_cpu_time() - start_cpu_), to_ms(longest_pause_),
          to_ms(clock_.monotonic() - start_)};
}

void Session::freeze() {
  freeze(touched(), cost());
}

void Session::freeze(std::vector<Touch> touched, Cost cost) {
  const std::lock_guard lock(mutex_);
  if (frozen_cost_) return;
  touched_ = std::move(touched);
  frozen_cost_ = cost;
}

}  // namespace triage
