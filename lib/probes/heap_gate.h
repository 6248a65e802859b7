#pragma once

/// `triage heap gate A B [C ...] --requests N --max-growth SIZE`: does the heap grow by more than
/// so much per request? For CI: exit 0 within the limit, 1 above it, 3 when it cannot be told.
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/heap_diff.h"
#include "lib/report/report.h"

namespace triage::probes::heap_gate {

struct Options {
  std::vector<std::string> files;  ///< oldest first
  std::int64_t requests = 0;       ///< between two snapshots
  std::string max_growth = "1KB";  ///< per request
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// The snapshots as heap diff sees them.
struct Sample {
  std::string at;
  heap_diff::Sample diff;
};

struct Interval {
  std::string from;
  std::string to;
  std::int64_t growth_bytes = 0;
  double per_request_bytes = 0;
};

struct Result {
  Envelope envelope;
  std::string verdict;  ///< pass, fail or unknown
  double limit_bytes = 0;
  std::int64_t requests_count = 0;
  std::vector<Interval> intervals;
  std::string suspect;  ///< where most of what is new stays
  std::string kind;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when");
  visit("diff", self.diff, "the snapshots compared");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Interval* /*tag*/) {
  visit("from", self.from, "the earlier snapshot");
  visit("to", self.to, "the later one");
  visit("growth_bytes", self.growth_bytes, "later total minus earlier total");
  visit("per_request_bytes", self.per_request_bytes, "that, divided by the requests");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("verdict", self.verdict, "pass, fail or unknown");
  visit("limit_bytes", self.limit_bytes, "allowed growth per request");
  visit("requests_count", self.requests_count, "requests between two snapshots");
  visit("intervals", self.intervals, "oldest first; the last one decides");
  visit("suspect", self.suspect, "where most new objects stay; empty when none stand out");
  visit("kind", self.kind, "kind of leak that looks like; empty as above");
}

}  // namespace triage::probes::heap_gate
