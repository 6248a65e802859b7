#pragma once

/// `triage lag dump TARGET`: what every thread of a Node.js process is doing at this moment, with
/// JavaScript and native frames. The process is not stopped unless asked: a thread on a CPU is
/// sampled by perf, one in a system call is read where it waits.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"
#include "lib/v8/stack_frame.h"

namespace triage::probes::lag_dump {

struct Options {
  std::string target;
  bool stop = false;    ///< stop each thread while its stack is copied
  bool native = false;  ///< show native frames too
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct ThreadStack {
  std::int64_t tid = 0;
  std::string name;      ///< comm
  std::string role;      ///< main, worker_threads, V8 worker, libuv pool, ...
  std::string state;     ///< "on CPU", "in futex", ...
  std::string activity;  ///< js, gc, regex, json, ..., idle
  std::string source;    ///< how the registers were read
  bool complete = false;
  std::optional<double> pause_ms;  ///< how long the thread was stopped for it
  std::int64_t objects_count = 0;
  std::int64_t failed_count = 0;
  std::vector<v8::StackFrame> frames;  ///< innermost first
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::string v8_version;
  bool checked_version = false;
  std::vector<std::string> layout_from_table;
  std::vector<ThreadStack> threads;
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
  std::optional<double> failed_ratio;  ///< of the V8 objects that were checked
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ThreadStack* /*tag*/) {
  visit("tid", self.tid, "thread id");
  visit("name", self.name, "name of the thread");
  visit("role", self.role, "main, worker_threads, V8 worker, libuv pool, inspector or other");
  visit("state", self.state, "on CPU, or the system call it waits in");
  visit("activity", self.activity, "js, gc, regex, json, crypto, zlib, fs sync, ..., idle, native");
  visit("source", self.source, "how the registers were read");
  visit("complete", self.complete, "the walk reached the first function of the thread");
  visit("pause_ms", self.pause_ms, "longest stop of the thread; null when it was not stopped");
  visit("objects_count", self.objects_count, "V8 objects whose type was checked");
  visit("failed_count", self.failed_count, "of these, not what they had to be");
  visit("frames", self.frames, "innermost first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("v8_version", self.v8_version, "of the running build");
  visit("checked_version", self.checked_version, "the layout table was checked for this version");
  visit("layout_from_table", self.layout_from_table, "what the build does not export itself");
  visit("threads", self.threads, "by thread id, the main thread first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
  visit("failed_ratio", self.failed_ratio, "failed checks of V8 objects, 0..1");
}

}  // namespace triage::probes::lag_dump
