#pragma once

/// One stall of an event loop, and what it consisted of.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/v8/stack_frame.h"

namespace triage::probes::lag {

/// Time that the thread spent waiting in the kernel, by what for.
struct Blocked {
  std::string call;    ///< "read", "openat", "page fault", "stopped", "unknown"
  std::string object;  ///< "/var/lib/app.db", "child 4130 (sh -c ...)"; empty when unknown
  double ms = 0;
};

/// An iteration of the loop that lasted longer than the threshold. The parts cover the time that
/// was observed: all of it, unless it began before.
struct Stall {
  std::int64_t tid = 0;
  std::string at;             ///< when it began, RFC 3339 UTC
  double start_ms = 0;        ///< since the observation began; below 0 when it began before
  double duration_ms = 0;     ///< of an open stall: until the end of the observation
  bool open = false;          ///< still running at the end
  bool start_known = true;    ///< false: it ran already, and only "at least" is known
  bool late_wake_up = false;  ///< the loop slept past its timer: it waited for a CPU
  std::string word;           ///< the one reason that took most of the time
  std::string evidence;       ///< "own CPU 61 ms of 63 ms"
  std::optional<double> cpu_ms;
  std::optional<double> runqueue_ms;   ///< ready to run, but not on a CPU
  std::optional<double> throttled_ms;  ///< part of it: the quota of the control group was used up
  std::optional<double> stopped_ms;
  std::optional<double> blocked_ms;  ///< in the kernel, waiting for something
  std::vector<Blocked> blocked;      ///< longest first
  std::optional<std::int64_t> page_faults_count;
  std::optional<std::int64_t> major_faults_count;
  std::optional<double> gc_ms;
  std::string function;  ///< the culprit: the innermost function of the user's own code
  std::string location;  ///< its line that ran: "/srv/app/orders.js:41:13"
  std::string package;   ///< npm package when none of the user's own code was on the stack
  std::string detail;    ///< pattern and length, length of the JSON text, path
  std::optional<std::int64_t> stack;  ///< index into the result's `stacks`
};

/// A stack as it was seen during one stall; those of one culprit in one activity count together.
struct SeenStack {
  std::int64_t samples_count = 0;
  std::string call;  ///< the system call in which it waited; empty: it was on a CPU
  bool complete = false;
  std::vector<v8::StackFrame> frames;  ///< innermost first
};

/// A stall as it was observed, before it was explained.
struct ObservedStall : Stall {
  std::vector<SeenStack> stacks;  ///< most samples first
  bool of_microtasks = false;     ///< callbacks that queued the next one
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Blocked* /*tag*/) {
  visit("call", self.call, "system call, page fault, stopped, or unknown");
  visit("object", self.object, "file, peer or child process; empty when unknown");
  visit("ms", self.ms, "time spent waiting");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Stall* /*tag*/) {
  visit("tid", self.tid, "thread of the loop");
  visit("at", self.at, "when it began, RFC 3339 UTC");
  visit("start_ms", self.start_ms, "since the observation began; negative: before it");
  visit("duration_ms", self.duration_ms, "length; of an open stall until the end");
  visit("open", self.open, "whether it still ran at the end");
  visit("start_known", self.start_known, "false: the length is a lower bound");
  visit("late_wake_up", self.late_wake_up, "whether the loop slept past its timer");
  visit("word", self.word, "the one reason that took most of the time");
  visit("evidence", self.evidence, "the figures behind the word");
  visit("cpu_ms", self.cpu_ms, "own time on a CPU");
  visit("runqueue_ms", self.runqueue_ms, "ready to run but not on a CPU");
  visit("throttled_ms", self.throttled_ms, "part of it: quota of the control group used up");
  visit("stopped_ms", self.stopped_ms, "stopped by a signal or a debugger");
  visit("blocked_ms", self.blocked_ms, "waiting in the kernel");
  visit("blocked", self.blocked, "what it waited for, longest first");
  visit("page_faults_count", self.page_faults_count, "page faults, minor and major");
  visit("major_faults_count", self.major_faults_count, "page faults that read from disk");
  visit("gc_ms", self.gc_ms, "in the garbage collector");
  visit("function", self.function, "innermost function of the user's own code; empty: none seen");
  visit("location", self.location, "file:line:column that ran there");
  visit("package", self.package, "npm package, when no own code was on the stack");
  visit("detail", self.detail, "pattern and length, length of the JSON text, path");
  visit("stack", self.stack, "index into stacks; null without one");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SeenStack* /*tag*/) {
  visit("samples_count", self.samples_count, "how often it was seen");
  visit("call", self.call, "system call in which it waited; empty: on a CPU");
  visit("complete", self.complete, "the walk reached the first function of the thread");
  visit("frames", self.frames, "innermost first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ObservedStall* /*tag*/) {
  fields(visit, self, static_cast<const Stall*>(nullptr));
  visit("stacks", self.stacks, "stacks that were taken during it, most samples first");
}

}  // namespace triage::probes::lag
