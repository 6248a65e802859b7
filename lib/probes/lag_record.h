#pragma once

/// `triage lag record TARGET`: where one thread of a Node.js process spends its time, by stacks
/// that are taken at a steady rate without stopping it: perf samples while it is on a CPU, its
/// memory while it waits in a call. Waiting for events is idle and counted apart. Written as folded
/// stacks, speedscope, .cpuprofile, pprof, SVG or HTML.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::lag_record {

struct Options {
  std::string target;
  std::chrono::milliseconds duration{10'000};
  std::int64_t rate = 99;   ///< samples per second
  std::int64_t thread = 0;  ///< 0: the main thread
  bool native = false;      ///< native frames too
  std::vector<std::string> out;
  std::int64_t top = 10;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A function on a way from the thread's first function; parents stand before their children.
struct Node {
  std::int64_t parent = -1;  ///< index; -1: a root
  std::string name;
  std::string kind;  ///< as v8::StackFrame
  std::string file;
  std::int64_t line = 0;  ///< where the function begins; 0 when not known
  std::int64_t column = 0;
  std::string package;
  std::int64_t own_count = 0;
};

struct WordCount {
  std::string word;
  std::int64_t count = 0;
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::int64_t tid = 0;
  double window_ms = 0;
  std::int64_t rate_per_s = 0;
  std::int64_t samples_count = 0;  ///< with a stack
  std::int64_t idle_count = 0;     ///< looks at which it waited for events
  std::int64_t lost_count = 0;     ///< dropped by the kernel
  std::int64_t objects_count = 0;
  std::int64_t failed_count = 0;
  std::vector<Node> nodes;
  std::vector<WordCount> words;         ///< most first
  std::vector<std::int64_t> order;      ///< innermost node of each sample, in order of time
  std::vector<double> since_before_ms;  ///< of each sample, since the one before
  std::vector<Gap> gaps;
};

struct WordRow {
  std::string word;
  double ratio = 0;
};

struct FunctionRow {
  std::string function;
  std::string location;
  std::string package;
  double own_ratio = 0;
  double whole_ratio = 0;
};

struct Result {
  Envelope envelope;
  std::int64_t pid = 0;
  std::int64_t tid = 0;
  double window_ms = 0;
  std::int64_t rate_per_s = 0;
  std::int64_t samples_count = 0;
  std::optional<double> busy_ratio;
  std::optional<double> gc_ratio;
  std::optional<double> failed_ratio;
  std::vector<WordRow> words;
  std::vector<FunctionRow> functions;
  std::vector<std::string> files;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// The profile in the format that the name's ending says; see write_flame_file().
void write_profile(const std::string& path, const Sample& sample);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Node* /*tag*/) {
  visit("parent", self.parent, "index of the caller; -1: none");
  visit("name", self.name, "function");
  visit("kind", self.kind, "js, native, builtin, regexp, wasm or stub");
  visit("file", self.file, "script or library");
  visit("line", self.line, "where the function begins; 0 when not known");
  visit("column", self.column, "same");
  visit("package", self.package, "npm package");
  visit("own_count", self.own_count, "samples in which it was the innermost");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const WordCount* /*tag*/) {
  visit("word", self.word, "activity");
  visit("count", self.count, "samples");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tid", self.tid, "thread id");
  visit("window_ms", self.window_ms, "length of the recording");
  visit("rate_per_s", self.rate_per_s, "samples per second");
  visit("samples_count", self.samples_count, "stacks that were taken");
  visit("idle_count", self.idle_count, "looks at which it waited for events");
  visit("lost_count", self.lost_count, "samples that the kernel dropped");
  visit("objects_count", self.objects_count, "V8 objects that were checked");
  visit("failed_count", self.failed_count, "of these, not what they had to be");
  visit("nodes", self.nodes, "callers before their callees");
  visit("words", self.words, "what it did");
  visit("order", self.order, "innermost node of each sample, in order of time");
  visit("since_before_ms", self.since_before_ms, "of each sample");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const WordRow* /*tag*/) {
  visit("word", self.word, "activity");
  visit("ratio", self.ratio, "share of the samples");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FunctionRow* /*tag*/) {
  visit("function", self.function, "name");
  visit("location", self.location, "file:line where it begins");
  visit("package", self.package, "npm package");
  visit("own_ratio", self.own_ratio, "share of the samples in which it was the innermost");
  visit("whole_ratio", self.whole_ratio, "share in which it was on the stack");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tid", self.tid, "thread id");
  visit("window_ms", self.window_ms, "length of the recording");
  visit("rate_per_s", self.rate_per_s, "samples per second");
  visit("samples_count", self.samples_count, "stacks that were taken");
  visit("busy_ratio", self.busy_ratio, "share of the looks at which it did not wait for events");
  visit("gc_ratio", self.gc_ratio, "share of the samples in the garbage collector");
  visit("failed_ratio", self.failed_ratio, "failed checks of V8 objects, 0..1");
  visit("words", self.words, "what it did, most first");
  visit("functions", self.functions, "most own time first");
  visit("files", self.files, "profiles that were written");
}

}  // namespace triage::probes::lag_record
