#pragma once

/// The application side of `triage pool`: the pools of the target and of the Node.js processes that
/// it started (the workers of a cluster), one inspector after the other.
#include <memory>
#include <string>
#include <vector>

#include "lib/base/session.h"
#include "lib/os/procfs.h"
#include "lib/probes/pool.h"
#include "lib/probes/pool_walk.h"
#include "lib/v8/inspector.h"

namespace triage::probes::pool {

class AppObserver {
 public:
  /// Walks every process; the last one stays open to be looked at. What fails is a gap.
  AppObserver(const Options& options, const os::Procfs& procfs, const os::ProcessInfo& target,
              Session& session, Sample& sample);
  AppObserver(const AppObserver&) = delete;
  AppObserver& operator=(const AppObserver&) = delete;
  ~AppObserver();

  /// Reads the pools again when the last look is 100 ms old. A failure ends the looking.
  void look(Sample& sample);
  /// Puts what was seen into the sample and closes the inspector.
  void finish(Sample& sample);

 private:
  void open(const os::ProcessInfo& process, Sample& sample);

  const Options& options_;
  const os::Procfs& procfs_;
  Session& session_;
  std::unique_ptr<v8::Inspector> inspector_;
  std::unique_ptr<AppWatch> watch_;
};

}  // namespace triage::probes::pool
