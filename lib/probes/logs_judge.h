#pragma once

#include <optional>

#include "lib/probes/logs.h"

namespace triage::probes::logs {

/// Seconds that the logs cover.
struct Spans {
  std::optional<double> window_s;
  std::optional<double> baseline_s;
};

/// The logs may start inside the window or the baseline: rates are over what they cover.
Spans spans_of(const Sample& sample);
std::optional<double> rate(std::int64_t count, std::optional<double> seconds);
std::optional<double> share(std::int64_t part, std::int64_t whole);
std::optional<std::string> time_text(std::optional<double> seconds);
Occurrence occurrence_of(const Hits& hits, const Spans& spans);

/// Nothing without a baseline.
std::optional<TemplateChanges> template_changes(const Options& options, const Sample& sample,
                                                const Spans& spans);
/// Adds a finding when error lines of a new or surging template are frequent.
void judge_templates(const Sample& sample, Result& result);

}  // namespace triage::probes::logs
