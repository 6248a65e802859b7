#pragma once

/// Turns the events of one loop's thread into iterations, stalls and their parts, in constant
/// memory however long it runs: a histogram, a timeline of fixed length and the worst stalls.
///
/// Only waiting on the loop's own epoll descriptor is idle: execSync runs another loop on the same
/// thread, and while that one waits, the service is blocked.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/os/loop_trace.h"
#include "lib/probes/lag_stall.h"
#include "lib/stats/duration_histogram.h"

namespace triage::probes::lag {

/// A stretch of the timeline.
struct TimelineSlot {
  double start_ms = 0;  ///< since the observation began
  double busy_ms = 0;
  double longest_ms = 0;  ///< longest iteration that ended here, or ran at the end
  std::int64_t stalls_count = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TimelineSlot* /*tag*/) {
  visit("start_ms", self.start_ms, "since the observation began");
  visit("busy_ms", self.busy_ms, "time outside of the wait for events");
  visit("longest_ms", self.longest_ms, "longest iteration that ended here");
  visit("stalls_count", self.stalls_count, "stalls that ended here");
}

struct MeterSettings {
  std::int64_t start_ns = 0;      ///< CLOCK_MONOTONIC; when the observation begins
  std::int64_t threshold_ns = 0;  ///< iterations longer than this are stalls
  std::size_t keep = 0;           ///< so many of the longest stalls are kept
  bool split_known = true;        ///< whether the source reports when the thread is off the CPU
};

class LoopMeter {
 public:
  explicit LoopMeter(const MeterSettings& settings);

  /// The loop's own epoll descriptor; -1 takes the first that the thread waits on.
  void own_descriptor(int fd) { own_fd_ = fd; }
  [[nodiscard]] int own_descriptor() const { return own_fd_; }
  /// The thread is busy at the start of the observation, since `since_ns` when that is known.
  void begin_busy(std::optional<std::int64_t> since_ns);
  /// The thread waits in epoll at the start: on the loop's own descriptor, or on a nested one.
  void begin_waiting(bool on_own);
  /// It is busy, and blocked in the kernel at this moment.
  void begin_blocked() { off_since_ns_ = settings_.start_ns; }

  void take(const os::LoopEvent& event);
  /// Says for what the thread waits at the moment; counts for the whole of the current wait.
  void label_wait(std::string call, std::string object);
  /// Adds a wait that was seen by looking, where the source has no switch records.
  void add_wait(const std::string& call, const std::string& object, std::int64_t ns);
  /// Ends the observation: what runs on is counted up to here and marked open.
  void finish(std::int64_t end_ns);

  [[nodiscard]] bool busy() const { return busy_since_ns_.has_value(); }
  [[nodiscard]] bool off_cpu() const { return off_since_ns_ != 0; }
  /// How long the current iteration has lasted; 0 while waiting for events.
  [[nodiscard]] std::int64_t busy_for_ns(std::int64_t now_ns) const;
  /// Whether the current wait in the kernel has its label already.
  [[nodiscard]] bool labelled() const { return label_.has_value(); }
  /// Called when a stall ends, before it is kept: adds what only the caller knows
  /// (throttling, stacks).
  void on_stall(
      std::function<void(ObservedStall&, std::int64_t start_ns, std::int64_t end_ns)> hook) {
    hook_ = std::move(hook);
  }

  [[nodiscard]] bool seen_waiting() const { return seen_waiting_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool replaced() const { return replaced_; }  ///< by exec
  [[nodiscard]] bool thread_gone() const { return gone_; }
  [[nodiscard]] std::int64_t iterations() const { return iterations_; }
  [[nodiscard]] std::int64_t longest_ns() const { return longest_ns_; }
  [[nodiscard]] std::int64_t busy_ns() const { return histogram_.total_ns(); }
  [[nodiscard]] std::int64_t lost() const { return lost_; }
  [[nodiscard]] std::int64_t stalls_count() const { return stalls_count_; }
  [[nodiscard]] std::int64_t stalled_ns() const { return stalled_ns_; }
  [[nodiscard]] std::int64_t last_ns() const { return last_ns_; }
  [[nodiscard]] const stats::DurationHistogram& histogram() const { return histogram_; }
  [[nodiscard]] const std::vector<TimelineSlot>& timeline() const { return timeline_; }
  /// Longest first.
  [[nodiscard]] std::vector<ObservedStall> worst() const;

 private:
  /// What an iteration consisted of so far.
  struct Parts {
    std::int64_t preempted_ns = 0;
    std::int64_t blocked_ns = 0;
    std::vector<Blocked> blocked;
  };

  void wait_begins(const os::LoopEvent& event);
  void wait_ends(std::int64_t now_ns);
  void leaves_cpu(std::int64_t now_ns, bool preempted);
  void returns_to_cpu(std::int64_t now_ns);
  void count_off(std::int64_t start_ns, std::int64_t now_ns);
  void end_iteration(std::int64_t end_ns, bool open);
  void add_stall(std::int64_t start_ns, std::int64_t end_ns, bool open);
  void late_wake_up(std::int64_t due_ns, std::int64_t now_ns);
  void keep(ObservedStall stall);
  void split(Stall& stall) const;
  void add_blocked(const std::string& call, const std::string& object, std::int64_t ns);
  TimelineSlot& slot_at(std::int64_t now_ns);
  void spread_busy(std::int64_t start_ns, std::int64_t end_ns);

  MeterSettings settings_;
  std::function<void(ObservedStall&, std::int64_t, std::int64_t)> hook_;
  stats::DurationHistogram histogram_;
  std::vector<TimelineSlot> timeline_;
  std::int64_t slot_ns_;
  std::vector<ObservedStall> kept_;  ///< heap, the shortest on top
  int own_fd_ = -1;
  std::optional<std::int64_t> busy_since_ns_;
  bool start_known_ = true;
  bool waits_on_own_ = false;
  bool waits_on_other_ = false;
  std::int64_t wait_due_ns_ = 0;  ///< when the timer of the wait is due; 0 without one
  std::int64_t off_since_ns_ = 0;
  bool off_preempted_ = false;
  bool switch_seen_ = false;
  std::optional<Blocked> label_;
  Parts parts_;
  std::int64_t faults_ = -1;
  std::int64_t major_faults_ = -1;
  std::int64_t iteration_faults_ = -1;
  std::int64_t iteration_major_faults_ = -1;
  bool seen_waiting_ = false;
  bool ended_ = false;
  bool replaced_ = false;
  bool gone_ = false;
  std::int64_t iterations_ = 0;
  std::int64_t longest_ns_ = 0;
  std::int64_t stalls_count_ = 0;
  std::int64_t stalled_ns_ = 0;
  std::int64_t lost_ = 0;
  std::int64_t last_ns_ = 0;
};

}  // namespace triage::probes::lag
