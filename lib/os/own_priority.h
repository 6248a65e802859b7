#pragma once

#include <string>

namespace triage::os {

/// Lets the calling thread run ahead of others while it lives: SCHED_FIFO 1, else nice -10, else
/// nothing changes. It must sleep between its looks.
class RaisedPriority {
 public:
  RaisedPriority();
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
