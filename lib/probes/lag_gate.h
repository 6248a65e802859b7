#pragma once

/// `triage lag gate`: the loop's delay as a gate for CI, against limits and against a baseline.
///
/// The baseline is a document of `triage lag -o json` or of `lag gate` itself. Both observations
/// are cut into the slots of their timelines; a permutation test says whether the main loop is
/// busier, or its longest iterations longer, than chance explains. Where the slots vary so much
/// that a change of the tolerated size would not show, the answer is unknown, not passed.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/lag.h"

namespace triage::probes::lag_gate {

struct Options {
  std::string target;
  std::chrono::milliseconds duration{10'000};
  std::string via = "auto";
  std::chrono::milliseconds max_stall{100};
  std::chrono::milliseconds max_wait{0};  ///< 0: no limit
  double max_busy = 0;                    ///< share of the wall time; 0: no limit
  std::string baseline;
  double tolerance = 0.1;  ///< by which it may be worse than the baseline
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Sample {
  lag::Sample lag;
  std::vector<lag::TimelineSlot> baseline;  ///< of the baseline's main loop
  std::string baseline_at;
};

/// One thing that was held against a limit or the baseline.
struct Check {
  std::string name;     ///< "stall", "wait_p99", "busy", "busy_baseline", "longest_baseline"
  std::string verdict;  ///< "passed", "failed", "unknown"
  double value = 0;
  std::optional<double> limit;
  std::optional<double> baseline;
  std::optional<double> p_value;           ///< that the difference is chance
  std::optional<double> detectable_ratio;  ///< smallest relative change that would have shown
  std::string text;
};

struct Result {
  Envelope envelope;
  std::int64_t pid = 0;
  std::string tier;
  double window_ms = 0;
  std::string baseline_at;
  std::vector<Check> checks;
  std::vector<lag::Loop> loops;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("lag", self.lag, "the observation");
  visit("baseline", self.baseline, "timeline of the baseline's main loop");
  visit("baseline_at", self.baseline_at, "when the baseline was observed");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Check* /*tag*/) {
  visit("name", self.name, "what is checked");
  visit("verdict", self.verdict, "passed, failed or unknown");
  visit("value", self.value, "ms, or share of the wall time for busy");
  visit("limit", self.limit, "the limit given");
  visit("baseline", self.baseline, "the same of the baseline");
  visit("p_value", self.p_value, "that a difference so large is chance");
  visit("detectable_ratio", self.detectable_ratio, "smallest relative change that would show");
  visit("text", self.text, "one sentence");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tier", self.tier, "how it was timed");
  visit("window_ms", self.window_ms, "length of the observation");
  visit("baseline_at", self.baseline_at, "when the baseline was observed; empty without");
  visit("checks", self.checks, "in a fixed order");
  visit("loops", self.loops, "the loops, to be a baseline later");
}

}  // namespace triage::probes::lag_gate
