#pragma once

/// `triage trace FILE...`: where the time of requests goes, and where their failures begin.
///
/// Traces are read and condensed while they are collected: a Sample of a gigabyte would help
/// nobody, so the Sample is the facts. Files are only read.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/trace_input.h"
#include "lib/report/report.h"
#include "lib/traces/facts.h"

namespace triage::probes::trace {

struct Options {
  TraceOptions input;
  std::chrono::milliseconds slow_over{0};
  std::int64_t top = 10;
  std::string csv;
  std::string flame;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A span of one trace, in the order of a tree.
struct TreeRow {
  std::int64_t depth = 0;
  std::string service;
  std::string operation;
  std::string detail;
  std::string error;
  double start_ms = 0;
  double duration_ms = 0;
  double path_ms = 0;
};

/// What is odd about the recording itself.
struct Recording {
  std::int64_t without_root_count = 0;
  std::int64_t several_roots_count = 0;
  std::int64_t orphan_spans_count = 0;
  std::int64_t lost_callees_count = 0;
  std::int64_t duplicate_spans_count = 0;
  std::int64_t circular_spans_count = 0;
  std::int64_t impossible_order_count = 0;
};

struct Sample {
  std::string at;
  std::string target;
  std::vector<TraceSource> sources;
  std::int64_t traces_count = 0;
  std::int64_t baseline_traces_count = 0;
  std::int64_t spans_count = 0;
  std::int64_t failed_traces_count = 0;
  std::optional<std::string> from;
  std::optional<std::string> to;
  Recording recording;
  std::vector<traces::SkewRow> clocks;
  std::vector<traces::EntryRow> entries;
  std::vector<traces::OperationRow> operations;
  std::vector<traces::Comparison> slow;
  std::vector<traces::WaitRow> waits;
  std::vector<traces::FailureOrigin> failures;
  std::vector<traces::RepeatedCall> repeated;
  std::vector<traces::RetryRow> retries;
  std::vector<traces::SequentialCalls> sequential;
  std::vector<TreeRow> tree;
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TreeRow* /*tag*/) {
  visit("depth", self.depth, "below the root");
  visit("service", self.service, "where it ran");
  visit("operation", self.operation, "span name");
  visit("detail", self.detail, "statement or peer");
  visit("error", self.error, "message, when it failed");
  visit("start_ms", self.start_ms, "after the start of the root");
  visit("duration_ms", self.duration_ms, "of the span");
  visit("path_ms", self.path_ms, "own part of the critical path");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Recording* /*tag*/) {
  visit("without_root_count", self.without_root_count, "traces whose root is missing");
  visit("several_roots_count", self.several_roots_count, "traces with more than one root");
  visit("orphan_spans_count", self.orphan_spans_count, "spans whose parent is missing");
  visit("lost_callees_count", self.lost_callees_count,
        "calls without the callee's span, which the same call has elsewhere");
  visit("duplicate_spans_count", self.duplicate_spans_count, "ignored");
  visit("circular_spans_count", self.circular_spans_count, "ignored");
  visit("impossible_order_count", self.impossible_order_count,
        "spans that start more than 2 ms before their parent, after the correction of clocks");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("sources", self.sources, "what was read");
  visit("traces_count", self.traces_count, "traces");
  visit("baseline_traces_count", self.baseline_traces_count, "traces to compare with");
  visit("spans_count", self.spans_count, "spans");
  visit("failed_traces_count", self.failed_traces_count, "traces whose root failed");
  visit("from", self.from, "start of the first root, RFC 3339 UTC");
  visit("to", self.to, "end of the last root, RFC 3339 UTC");
  visit("recording", self.recording, "what is odd about the traces as recorded");
  visit("clocks", self.clocks, "clocks that differ, corrected");
  visit("entries", self.entries, "operations of roots, most time first");
  visit("operations", self.operations, "most time on critical paths first");
  visit("slow", self.slow, "slow traces against normal ones, by entry");
  visit("waits", self.waits, "waiting that no span shows, by service");
  visit("failures", self.failures, "where failures begin, most that reach the root first");
  visit("repeated", self.repeated, "N+1: equal calls of one parent");
  visit("retries", self.retries, "calls sent again");
  visit("sequential", self.sequential, "calls that could run at the same time");
  visit("tree", self.tree, "the spans, when it is one trace only");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::trace
