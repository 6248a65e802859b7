#pragma once

/// `triage heap gate A B [C ...] --requests N --max-growth SIZE`: does the heap grow by more than
/// so much per request? For CI: exit 0 within the limit, 1 above it, 3 when it cannot be told.
/// `triage heap gate --target T --load CMD --requests N`: the same of a running process, without
/// snapshots: its heap in use behind a garbage collection, between runs of a load command.
#include <chrono>
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
  std::string target;
  std::string load;         ///< command line that makes `requests` requests
  std::int64_t rounds = 2;  ///< runs of it that count, behind one that warms up
  bool allow_inspector = false;
  std::chrono::milliseconds pause_budget{2000};
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// Memory in use of a running process, right behind a garbage collection.
struct Reading {
  std::string name;  ///< "warm-up", "load 1", ...
  std::int64_t heap_used_bytes = 0;
  std::int64_t external_bytes = 0;  ///< Buffers and what else V8 accounts for
};

/// The snapshots as heap diff sees them, or the readings of a running process.
struct Sample {
  std::string at;
  heap_diff::Sample diff;
  std::string target;
  std::vector<Reading> readings;
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
  visit("target", self.target, "the running process; empty with snapshots");
  visit("readings", self.readings, "of it, one behind each run of the load");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Reading* /*tag*/) {
  visit("name", self.name, "run of the load before it");
  visit("heap_used_bytes", self.heap_used_bytes, "V8 heap in use behind a garbage collection");
  visit("external_bytes", self.external_bytes, "outside it: Buffers and others");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Interval* /*tag*/) {
  visit("from", self.from, "the earlier snapshot or run");
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
