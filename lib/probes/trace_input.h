#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/gap.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/net/http_options.h"
#include "lib/traces/clock_skew.h"
#include "lib/traces/critical_path.h"
#include "lib/traces/facts.h"
#include "lib/traces/forest.h"

namespace triage::probes {

/// Where traces come from, for every command that reads them.
struct TraceOptions {
  std::vector<std::string> files;
  std::vector<std::string> baseline;
  std::vector<std::string> trace_ids;
  std::string service;
  std::string operation;
  // of a server
  std::string jaeger;  ///< address; empty: files only
  std::chrono::milliseconds since{std::chrono::hours(1)};
  std::string from;
  std::string to;
  std::chrono::milliseconds min_duration{0};
  std::chrono::milliseconds max_duration{0};
  std::vector<std::string> tags;
  std::int64_t limit = 200;
  bool slowest = false;
  std::chrono::milliseconds baseline_before{0};  ///< 0: no baseline from the server
  net::HttpOptions http;

  [[nodiscard]] bool has_baseline() const {
    return !baseline.empty() || (!jaeger.empty() && baseline_before.count() > 0);
  }
};

void describe_traces(TraceOptions& options, OptionVisitor& visitor);

/// One file or query that was read.
struct TraceSource {
  std::string name;
  bool baseline = false;
  std::int64_t read_bytes = 0;  ///< unpacked
  std::int64_t spans_count = 0;
  std::string problem;  ///< why it was not read to its end; empty when it was
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TraceSource* /*tag*/) {
  visit("name", self.name, "file or query");
  visit("baseline", self.baseline, "part of what is compared with");
  visit("read_bytes", self.read_bytes, "unpacked");
  visit("spans_count", self.spans_count, "spans taken from it");
  visit("problem", self.problem, "why it was not read to its end; empty when it was");
}

struct TraceInput {
  traces::Forest now;
  traces::Forest then;  ///< without traces when there is no baseline
  std::vector<traces::SkewRow> skews;
  std::int64_t impossible_order_count = 0;
  std::vector<TraceSource> sources;
  std::vector<Gap> gaps;
};

/// Reads all sources and corrects clocks. Damage is a gap; Error when nothing could be read at all.
TraceInput read_traces(const TraceOptions& options, const std::string& command, Session& session);

/// The command with its options, to repeat it.
std::string repeat_command(const std::string& command, const TraceOptions& options);
/// "a.json b.json".
std::string target_of(const TraceOptions& options);

}  // namespace triage::probes
