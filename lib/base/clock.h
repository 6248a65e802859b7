#pragma once

#include <chrono>
#include <string>

namespace triage {

using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// The only source of time: everything else takes a Clock&, so that tests and replays decide.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;        ///< wall clock, UTC
  [[nodiscard]] virtual Duration monotonic() const = 0;  ///< since an arbitrary start
};

/// CLOCK_REALTIME and CLOCK_MONOTONIC.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override;
  [[nodiscard]] Duration monotonic() const override;
};

/// Stands still until it is moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = {}) : wall_(start) {}
  [[nodiscard]] WallTime now() const override { return wall_; }
  [[nodiscard]] Duration monotonic() const override { return elapsed_; }
  void advance(Duration step) {
    wall_ += std::chrono::duration_cast<WallTime::duration>(step);
    elapsed_ += step;
  }

 private:
  WallTime wall_;
  Duration elapsed_{0};
};

/// RFC 3339 in UTC with milliseconds: "2026-11-24T02:04:31.250Z".
std::string to_rfc3339(WallTime time);
/// "02:04:31" in UTC.
std::string to_time_of_day(WallTime time);
/// Seconds since the epoch, for conditions.
double to_epoch_seconds(WallTime time);
WallTime from_epoch_seconds(double seconds);
/// Accepts RFC 3339 ("T" or blank, fraction, "Z" or offset; without offset it is UTC). Throws
/// Error{malformed}.
WallTime parse_rfc3339(const std::string& text);
/// CPU time used by this process and its children that ended, user and system.
Duration own_cpu_time();

}  // namespace triage
