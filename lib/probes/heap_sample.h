#pragma once

/// `triage heap sample`: which lines of code allocate the memory that stays, by V8's sampling heap
/// profiler: a light first look without a snapshot. Every 32 KiB or so one allocation is noted;
/// what is collected again meanwhile is left out (HeapProfiler.startSampling of the inspector).
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/json_fwd.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::heap_sample {

struct Options {
  std::string target;
  std::string file;  ///< instead of a target: what --heap-prof of Node.js wrote
  bool allow_inspector = false;
  std::chrono::milliseconds duration{10000};
  std::int64_t every_bytes = 32768;
  std::int64_t top = 15;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A function that allocated.
struct Site {
  std::string function;  ///< "(anonymous)" without a name
  std::string place;     ///< "file.js:16:65"; empty for V8's own
  std::int64_t bytes = 0;
  double ratio = 0;                ///< of all sampled bytes
  std::vector<std::string> stack;  ///< of its largest part: callers, nearest first
};

struct Sample {
  std::string at;
  std::string target;
  std::string file;  ///< empty: a process was watched
  // a file tells none of these
  std::optional<std::int64_t> pid;
  std::optional<double> duration_s;
  std::optional<std::int64_t> every_bytes;
  std::int64_t total_bytes = 0;  ///< sampled and still there at the end
  std::vector<Site> sites;       ///< most bytes first
};

struct Result : Sample {
  Envelope envelope;
};

/// The sites of a profile as V8 sends it: {"head": {"callFrame", "selfSize", "children"}}. Throws
/// Error{malformed}.
std::vector<Site> sites_of(const Json& profile);
/// Those of a .heapprofile file. Throws Error{usage} when it cannot be read, Error{malformed}.
std::vector<Site> read_profile(const std::string& file);
Section sites_section(const std::vector<Site>& sites);

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Site* /*tag*/) {
  visit("function", self.function, "that allocated");
  visit("place", self.place, "file:line:column, from 1; empty inside of V8");
  visit("bytes", self.bytes, "still there at the end, estimated from the samples");
  visit("ratio", self.ratio, "share of all");
  visit("stack", self.stack, "callers of its largest part, nearest first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("file", self.file, "the profile that was read; empty when a process was watched");
  visit("pid", self.pid, "process id; null of a file");
  visit("duration_s", self.duration_s, "how long was sampled; null of a file");
  visit("every_bytes", self.every_bytes, "one sample per so many allocated bytes; null of a file");
  visit("total_bytes", self.total_bytes, "allocated meanwhile and still there");
  visit("sites", self.sites, "most bytes first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_sample
