#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/gap.h"

namespace triage {

/// One line of "what it touched": a thing outside of triage that was read or asked.
struct Touch {
  std::string what;        ///< "database session", "/proc/4127", "log file"
  std::string detail;      ///< "read-only, 5 statements"
  std::int64_t count = 1;  ///< how often
  double duration_ms = 0;  ///< time spent waiting for it
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Touch* /*tag*/) {
  visit("what", self.what, "what was read or asked");
  visit("detail", self.detail, "in which way");
  visit("count", self.count, "how often");
  visit("duration_ms", self.duration_ms, "time spent waiting for it");
}

/// What the run cost the machine and the target.
struct Cost {
  double cpu_ms = 0;    ///< own user and system CPU time
  double pause_ms = 0;  ///< longest time the target was stopped; 0 when it never was
  double wall_ms = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Cost* /*tag*/) {
  visit("cpu_ms", self.cpu_ms, "own CPU time, user and system");
  visit("pause_ms", self.pause_ms, "longest time the target was stopped");
  visit("wall_ms", self.wall_ms, "wall-clock time of the run");
}

/// Where a group of figures comes from, and how to get them again.
struct Provenance {
  std::vector<std::string> figures;  ///< JSON pointers; each covers everything below it
  std::string source;                ///< "pg_stat_activity", "/proc/4127/fd"
  std::string at;                    ///< RFC 3339 UTC
  std::string repeat;                ///< shell line that reproduces the raw answer
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Provenance* /*tag*/) {
  visit("figures", self.figures, "JSON pointers of the figures; each covers all below it");
  visit("source", self.source, "where they were read");
  visit("at", self.at, "when, RFC 3339 UTC");
  visit("repeat", self.repeat, "shell line that reproduces the raw answer");
}

/// What a probe may use of the world besides its sources: the clock, the deadline, the list of what
/// was touched, and a way to say how far it is. Shared by probes that run in parallel.
class Session {
 public:
  using Progress = std::function<void(const std::string&)>;

  explicit Session(const Clock& clock, Progress progress = {});

  [[nodiscard]] const Clock& clock() const { return clock_; }
  void touch(Touch touch);      ///< equal `what` and `detail` are added up
  void paused(Duration pause);  ///< the target was stopped for so long
  void progress(const std::string& text) const;

  /// Time that is left until the deadline; a very long time without one.
  [[nodiscard]] Duration remaining() const;
  void set_deadline(Duration from_now);
  /// Asks the probes to stop early and to return what they have. Safe in signal handlers.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const;  ///< also true after the deadline

  [[nodiscard]] std::vector<Touch> touched() const;
  [[nodiscard]] Cost cost() const;
  /// From now on touched() and cost() give what they would give now, so that all forms of one
  /// result show the same figures. Later calls change nothing.
  void freeze();
  /// The same with the figures of a recorded run.
  void freeze(std::vector<Touch> touched, Cost cost);

 private:
  const Clock& clock_;
  Progress progress_;
  Duration start_;
  Duration start_cpu_;
  Duration deadline_ = Duration::max();
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::vector<Touch> touched_;
  Duration longest_pause_{0};
  std::optional<Cost> frozen_cost_;
};

}  // namespace triage
