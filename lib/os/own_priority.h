#pragma once

#include <string>

namespace triage::os {

/// Lets the calling thread run ahead of others while it lives. It must sleep between its looks.
class RaisedPriority {
 public:
  /// `real_time`: SCHED_FIFO 1, for looks of some microseconds only, since nothing else gets that
  /// CPU meanwhile. Without it, or where that is refused: nice -10, else nothing changes.
  explicit RaisedPriority(bool real_time);
  RaisedPriority(const RaisedPriority&) = delete;
  RaisedPriority& operator=(const RaisedPriority&) = delete;
  ~RaisedPriority();
  [[nodiscard]] const std::string& level() const { return level_; }  ///< "SCHED_FIFO 1"

 private:
  std::string level_ = "normal priority";
  bool fifo_ = false;
  int nice_ = 0;
};

}  // namespace triage::os
