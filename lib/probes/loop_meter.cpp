#include "lib/probes/loop_meter.h"

#include <algorithm>
#include <utility>

namespace triage::probes::lag {
namespace {

using Kind = os::LoopEvent::Kind;

/// Slots of the timeline; when they are used up, neighbours are joined and each covers twice.
constexpr std::size_t timeline_slots = 120;
constexpr std::int64_t first_slot_ns = 100'000'000;
/// Different waits that one stall tells apart; further ones are summed up.
constexpr std::size_t waits_told_apart = 8;

double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

bool longer(const Stall& a, const Stall& b) {
  return a.duration_ms > b.duration_ms;
}

}  // namespace

LoopMeter::LoopMeter(const MeterSettings& settings)
    : settings_(settings), slot_ns_(first_slot_ns), last_ns_(settings.start_ns) {}

void LoopMeter::begin_busy(std::optional<std::int64_t> since_ns) {
  busy_since_ns_ = since_ns.value_or(settings_.start_ns);
  start_known_ = since_ns.has_value();
}

void LoopMeter::begin_waiting(bool on_own) {
  if (!on_own) {
    begin_busy(std::nullopt);
    waits_on_other_ = true;
    return;
  }
  waits_on_own_ = true;
  seen_waiting_ = true;
}

std::int64_t LoopMeter::busy_for_ns(std::int64_t now_ns) const {
  return busy_since_ns_ ? std::max<std::int64_t>(now_ns - *busy_since_ns_, 0) : 0;
}

void LoopMeter::take(const os::LoopEvent& event) {
  last_ns_ = std::max(last_ns_, event.time_ns);
  switch (event.kind) {
    case Kind::wait_enter:
      wait_begins(event);
      break;
    case Kind::wait_exit:
      wait_ends(event.time_ns);
      break;
    case Kind::preempted:
    case Kind::blocked:
      leaves_cpu(event.time_ns, event.kind == Kind::preempted);
      break;
    case Kind::resumed:
      returns_to_cpu(event.time_ns);
      break;
    case Kind::thread_exit:
      end_iteration(event.time_ns, false);
      ended_ = gone_ = true;
      break;
    case Kind::exec:
      end_iteration(event.time_ns, false);
      ended_ = replaced_ = true;
      break;
    case Kind::lost:
      // what was going on is not known any more until the next wait begins
      lost_ += event.value;
      busy_since_ns_.reset();
      off_since_ns_ = 0;
      parts_ = {};
      break;
  }
}

void LoopMeter::wait_begins(const os::LoopEvent& event) {
  if (own_fd_ < 0) own_fd_ = event.fd;
  waits_on_other_ = event.fd != own_fd_;
  if (waits_on_other_) return;
  const bool counted = faults_ >= 0 && event.faults >= 0;
  iteration_faults_ = counted ? event.faults - faults_ : -1;
  iteration_major_faults_ = counted ? event.major_faults - major_faults_ : -1;
  faults_ = event.faults;
  major_faults_ = event.major_faults;
  end_iteration(event.time_ns, false);
  waits_on_own_ = seen_waiting_ = true;
  wait_due_ns_ = event.timeout_ms > 0 ? event.time_ns + event.timeout_ms * 1'000'000 : 0;
}

void LoopMeter::wait_ends(std::int64_t now_ns) {
  if (std::exchange(waits_on_other_, false)) return;
  if (wait_due_ns_ > 0 && now_ns - wait_due_ns_ > settings_.threshold_ns)
    late_wake_up(wait_due_ns_, now_ns);
  waits_on_own_ = false;
  busy_since_ns_ = now_ns;
  start_known_ = true;
  parts_ = {};
}

void LoopMeter::leaves_cpu(std::int64_t now_ns, bool preempted) {
  switch_seen_ = true;
  off_since_ns_ = now_ns;
  off_preempted_ = preempted;
  label_.reset();
}

void LoopMeter::returns_to_cpu(std::int64_t now_ns) {
  if (!std::exchange(switch_seen_, true) && off_since_ns_ == 0) {
    // it was ready but not on a CPU when the observation began
    off_since_ns_ = settings_.start_ns;
    off_preempted_ = true;
  }
  if (busy_since_ns_) count_off(*busy_since_ns_, now_ns);
  off_since_ns_ = 0;
  label_.reset();
}

void LoopMeter::count_off(std::int64_t start_ns, std::int64_t now_ns) {
  const std::int64_t off = off_since_ns_ == 0 ? 0 : now_ns - std::max(off_since_ns_, start_ns);
  if (off <= 0) return;
  if (off_preempted_ && !label_) {
    parts_.preempted_ns += off;
    return;
  }
  parts_.blocked_ns += off;
  add_blocked(label_ ? label_->call : "unknown", label_ ? label_->object : std::string(), off);
}

void LoopMeter::add_blocked(const std::string& call, const std::string& object, std::int64_t ns) {
  auto& all = parts_.blocked;
  auto found = std::find_if(all.begin(), all.end(), [&](const Blocked& other) {
    return other.call == call && other.object == object;
  });
  if (found == all.end() && all.size() >= waits_told_apart) {
    found = all.end() - 1;
    found->call = "several";
    found->object.clear();
  }
  if (found == all.end()) found = all.insert(all.end(), {call, object, 0});
  found->ms += to_ms(ns);
}

void LoopMeter::label_wait(std::string call, std::string object) {
  label_ = Blocked{std::move(call), std::move(object), 0};
}

void LoopMeter::add_wait(const std::string& call, const std::string& object, std::int64_t ns) {
  add_blocked(call, object, ns);
}

void LoopMeter::end_iteration(std::int64_t end_ns, bool open) {
  if (!busy_since_ns_) return;
  const std::int64_t start = *busy_since_ns_;
  busy_since_ns_.reset();
  const std::int64_t length = std::max<std::int64_t>(end_ns - start, 0);
  // what lies before the observation is no part of its wall time
  const std::int64_t counted = end_ns - std::max(start, settings_.start_ns);
  histogram_.add(counted);
  ++iterations_;
  longest_ns_ = std::max(longest_ns_, length);
  spread_busy(std::max(start, settings_.start_ns), end_ns);
  TimelineSlot& slot = slot_at(end_ns);
  slot.longest_ms = std::max(slot.longest_ms, to_ms(length));
  if (length > settings_.threshold_ns) add_stall(start, end_ns, open);
  parts_ = {};
}

void LoopMeter::add_stall(std::int64_t start_ns, std::int64_t end_ns, bool open) {
  ++slot_at(end_ns).stalls_count;
  ++stalls_count_;
  stalled_ns_ += end_ns - std::max(start_ns, settings_.start_ns);
  ObservedStall stall;
  stall.start_ms = to_ms(start_ns - settings_.start_ns);
  stall.duration_ms = to_ms(end_ns - start_ns);
  stall.open = open;
  stall.start_known = start_known_;
  if (off_since_ns_ != 0) count_off(start_ns, end_ns);  // what it waits for at this moment
  split(stall);
  if (hook_) hook_(stall, start_ns, end_ns);
  keep(std::move(stall));
}

void LoopMeter::split(Stall& stall) const {
  const bool whole = stall.start_ms >= 0;
  if (iteration_faults_ >= 0 && !stall.open && whole) {
    stall.page_faults_count = iteration_faults_;
    stall.major_faults_count = iteration_major_faults_;
  }
  stall.blocked = parts_.blocked;
  std::stable_sort(stall.blocked.begin(), stall.blocked.end(),
                   [](const Blocked& a, const Blocked& b) { return a.ms > b.ms; });
  // without the kernel's switch records only what was seen while looking is known
  if (!settings_.split_known) return;
  double stopped = 0;
  for (const auto& wait : stall.blocked)
    if (wait.call == "stopped") stopped += wait.ms;
  stall.runqueue_ms = to_ms(parts_.preempted_ns);
  stall.stopped_ms = stopped;
  stall.blocked_ms = to_ms(parts_.blocked_ns) - stopped;
  // what it did before the observation is unknown: the parts are those of the observed time
  const double observed = stall.duration_ms + std::min(0.0, stall.start_ms);
  stall.cpu_ms = std::max(0.0, observed - to_ms(parts_.preempted_ns) - to_ms(parts_.blocked_ns));
}

void LoopMeter::late_wake_up(std::int64_t due_ns, std::int64_t now_ns) {
  histogram_.add(now_ns - due_ns);
  ++stalls_count_;
  ++slot_at(now_ns).stalls_count;
  stalled_ns_ += now_ns - due_ns;
  longest_ns_ = std::max(longest_ns_, now_ns - due_ns);
  ObservedStall stall;
  stall.start_ms = to_ms(due_ns - settings_.start_ns);
  stall.duration_ms = to_ms(now_ns - due_ns);
  stall.late_wake_up = true;
  stall.cpu_ms = stall.blocked_ms = stall.stopped_ms = 0;
  stall.runqueue_ms = stall.duration_ms;
  if (hook_) hook_(stall, due_ns, now_ns);
  keep(std::move(stall));
}

void LoopMeter::keep(ObservedStall stall) {
  if (settings_.keep == 0) return;
  if (kept_.size() == settings_.keep) {
    if (!longer(stall, kept_.front())) return;
    std::pop_heap(kept_.begin(), kept_.end(), longer);
    kept_.pop_back();
  }
  kept_.push_back(std::move(stall));
  std::push_heap(kept_.begin(), kept_.end(), longer);
}

std::vector<ObservedStall> LoopMeter::worst() const {
  std::vector<ObservedStall> sorted = kept_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Stall& a, const Stall& b) {
    return std::pair(-a.duration_ms, a.start_ms) < std::pair(-b.duration_ms, b.start_ms);
  });
  return sorted;
}

void LoopMeter::finish(std::int64_t end_ns) {
  if (!ended_) {
    end_iteration(end_ns, true);
    last_ns_ = std::max(last_ns_, end_ns);
  }
  slot_at(last_ns_);  // the timeline reaches the end
  ended_ = true;
}

TimelineSlot& LoopMeter::slot_at(std::int64_t now_ns) {
  const std::int64_t since = std::max<std::int64_t>(now_ns - settings_.start_ns, 0);
  while (static_cast<std::size_t>(since / slot_ns_) >= timeline_slots) {
    std::vector<TimelineSlot> joined((timeline_.size() + 1) / 2);
    for (std::size_t i = 0; i < timeline_.size(); ++i) {
      TimelineSlot& into = joined[i / 2];
      if (i % 2 == 0) into.start_ms = timeline_[i].start_ms;
      into.busy_ms += timeline_[i].busy_ms;
      into.longest_ms = std::max(into.longest_ms, timeline_[i].longest_ms);
      into.stalls_count += timeline_[i].stalls_count;
    }
    timeline_ = std::move(joined);
    slot_ns_ *= 2;
  }
  const auto index = static_cast<std::size_t>(since / slot_ns_);
  while (timeline_.size() <= index) {
    timeline_.emplace_back();
    timeline_.back().start_ms = to_ms(static_cast<std::int64_t>(timeline_.size() - 1) * slot_ns_);
  }
  return timeline_[index];
}

void LoopMeter::spread_busy(std::int64_t start_ns, std::int64_t end_ns) {
  slot_at(end_ns);
  std::int64_t at = start_ns;
  while (at < end_ns) {
    const std::int64_t index = (at - settings_.start_ns) / slot_ns_;
    const std::int64_t next = std::min(end_ns, settings_.start_ns + (index + 1) * slot_ns_);
    slot_at(at).busy_ms += to_ms(next - at);
    at = next;
  }
}

}  // namespace triage::probes::lag
