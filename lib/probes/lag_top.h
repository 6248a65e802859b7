#pragma once

/// `triage lag top`: the loops of a process, redrawn again and again: what `triage lag` sees in the
/// last moments, in few lines.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/probes/lag.h"

namespace triage::probes::lag_top {

constexpr std::chrono::seconds frame{2};

struct Options {
  lag::Options lag;  ///< two seconds, eight stalls
  Options() {
    lag.duration = frame;
    lag.top = 8;
  }
};

Help help();
void describe(Options& options, OptionVisitor& visitor);
lag::Sample collect(const Options& options, Session& session);
lag::Result analyse(const Options& options, const lag::Sample& sample);
std::vector<Section> sections(const Options& options, const lag::Result& result);

}  // namespace triage::probes::lag_top
