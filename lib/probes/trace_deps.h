#pragma once

/// `triage trace deps FILE...`: who calls whom, how often, how long, how well; then and now.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/backends/jaeger.h"
#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/trace_input.h"
#include "lib/report/report.h"
#include "lib/traces/facts.h"

namespace triage::probes::trace_deps {

struct Options {
  TraceOptions input;
  std::int64_t top = 50;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Sample {
  std::string at;
  std::string target;
  std::vector<TraceSource> sources;
  std::int64_t traces_count = 0;
  std::int64_t baseline_traces_count = 0;
  std::vector<traces::DependencyRow> now;
  std::vector<traces::DependencyRow> then;
  std::vector<backends::Dependency> counted;  ///< by the server, of all its traces
  std::vector<backends::Dependency> counted_then;
  std::vector<Gap> gaps;
};

/// One edge of the call graph in both sets.
struct Edge {
  std::string caller;
  std::string callee;
  std::string kind;
  std::optional<traces::DependencyRow> now;
  std::optional<traces::DependencyRow> then;
  std::optional<std::int64_t> counted_count;  ///< by the server, of all its traces
  std::optional<std::int64_t> counted_then_count;
  std::string change;  ///< new, gone, failing, slower, more calls, or empty
};

struct Result {
  std::vector<TraceSource> sources;
  std::int64_t traces_count = 0;
  std::int64_t baseline_traces_count = 0;
  std::vector<Edge> dependencies;
  Envelope envelope;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("sources", self.sources, "what was read");
  visit("traces_count", self.traces_count, "traces");
  visit("baseline_traces_count", self.baseline_traces_count, "traces to compare with");
  visit("now", self.now, "calls between services");
  visit("then", self.then, "the same in the baseline");
  visit("counted", self.counted, "calls that Jaeger counts in all its traces of the window");
  visit("counted_then", self.counted_then, "the same in the baseline");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Edge* /*tag*/) {
  visit("caller", self.caller, "service");
  visit("callee", self.callee, "service, or address of what has no spans");
  visit("kind", self.kind, "service or external");
  visit("now", self.now, "null when there were no calls");
  visit("then", self.then, "null when there were no calls, or no baseline");
  visit("counted_count", self.counted_count, "calls in all traces of the window, by Jaeger");
  visit("counted_then_count", self.counted_then_count, "the same in the baseline");
  visit("change", self.change, "new, gone, failing, slower, more calls, or empty");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("sources", self.sources, "what was read");
  visit("traces_count", self.traces_count, "traces");
  visit("baseline_traces_count", self.baseline_traces_count, "traces to compare with");
  visit("dependencies", self.dependencies, "changed ones first, then by calls");
}

}  // namespace triage::probes::trace_deps
