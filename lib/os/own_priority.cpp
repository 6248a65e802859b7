#include "lib/os/own_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace triage::os {

RaisedPriority::RaisedPriority(bool real_time) {
  const sched_param first{1};
  // 0 is the calling thread, for both calls
  if (real_time && ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0) {
    fifo_ = true;
    level_ = "SCHED_FIFO 1";
    return;
  }
  constexpr int wanted = -10;
  errno = 0;
  nice_ = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0 && ::setpriority(PRIO_PROCESS, 0, wanted) == 0)
    level_ = "nice -10";
  else
    nice_ = wanted;
}

RaisedPriority::~RaisedPriority() {
  const sched_param none{0};
  if (fifo_) ::sched_setscheduler(0, SCHED_OTHER, &none);
  if (!fifo_ && level_ != "normal priority") ::setpriority(PRIO_PROCESS, 0, nice_);
}

}  // namespace triage::os
