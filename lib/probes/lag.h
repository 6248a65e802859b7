#pragma once

/// `triage lag`: every stall of a running event loop, what it consisted of, and what its delay is
/// to a request.
///
/// Every iteration is timed from outside, by the kernel's tracepoints on epoll where they can be
/// reached; else by reading two words of libuv's memory, or /proc, a thousand times a second. The
/// result says which, how exact that is, and the longest time in which triage itself did not look.
///
/// A request that arrives at a random moment waits for the rest of the iteration that runs then.
/// So delays are weighted by time: `wait_p99_ms` is the wait that 99 % of such requests stay below.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/lag_stall.h"
#include "lib/probes/loop_meter.h"
#include "lib/report/report.h"

namespace triage::probes::lag {

struct Options {
  std::string target;
  std::chrono::milliseconds duration{10'000};
  std::chrono::milliseconds threshold{20};
  std::string via = "auto";
  bool all = false;         ///< the target's child processes as well
  bool no_stacks = false;   ///< time the stalls only
  bool stop = false;        ///< stop the thread for its stack where perf is refused
  std::int64_t keep = 200;  ///< stalls of each loop that are kept, the longest
  std::int64_t top = 5;     ///< stalls in the text report
  std::chrono::milliseconds warn_stall{100};
  std::chrono::milliseconds crit_stall{1000};
};

Help help();
void describe(Options& options, OptionVisitor& visitor);
/// The options that say what is observed and how: target, duration, threshold, all, via, stacks.
void describe_observation(Options& options, OptionVisitor& visitor);

struct HistogramBucket {
  std::int64_t index = 0;  ///< see stats::DurationHistogram
  std::int64_t count = 0;
  std::int64_t total_ns = 0;
};

/// One loop's thread as it was observed.
struct LoopSample {
  std::int64_t pid = 0;
  std::int64_t tid = 0;
  std::string role;  ///< "main", "worker", "loop"
  std::string name;  ///< comm
  double window_ms = 0;
  std::int64_t iterations_count = 0;
  std::int64_t stalls_count = 0;
  double stalled_ms = 0;
  double longest_ms = 0;
  std::int64_t lost_count = 0;
  std::string ended;  ///< empty; or why the observation of this loop ended early
  std::vector<HistogramBucket> histogram;
  std::vector<TimelineSlot> timeline;
  std::vector<ObservedStall> stalls;
  std::optional<double> cpu_ms;
  std::optional<double> runqueue_ms;
};

/// libuv's thread pool, looked at some times a second.
struct PoolSample {
  std::int64_t threads_count = 0;
  std::int64_t looks_count = 0;
  std::int64_t full_count = 0;  ///< looks with no idle thread and work that waits
  std::int64_t longest_queue_count = 0;
  double longest_full_ms = 0;
  std::vector<Blocked> doing;  ///< what busy threads were seen in, by looks
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::string tier;         ///< "perf", "memory", "proc"; empty: nothing could be timed
  std::string tier_source;  ///< where the times come from
  double tier_error_ms = 0;
  double own_longest_gap_ms = 0;
  double window_ms = 0;
  std::int64_t traced_by = 0;  ///< pid of a debugger, strace, ...; 0 without
  std::vector<LoopSample> loops;
  std::optional<PoolSample> pool;
  std::optional<double> throttled_ms;  ///< of the control group, all its threads
  std::int64_t stacks_count = 0;       ///< taken during stalls
  std::int64_t stack_objects_count = 0;
  std::int64_t stack_failed_count = 0;
  std::vector<Gap> gaps;
};

struct HistogramRow {
  double up_to_ms = 0;
  std::int64_t iterations_count = 0;
  double total_ms = 0;
};

struct WaitRow {
  double longer_than_ms = 0;
  double ratio = 0;
};

struct Loop {
  std::int64_t pid = 0;
  std::int64_t tid = 0;
  std::string role;
  std::string name;
  double window_ms = 0;
  std::string ended;
  std::int64_t iterations_count = 0;
  double utilization_ratio = 0;
  std::int64_t stalls_count = 0;
  double stalled_ms = 0;
  double longest_ms = 0;
  double wait_p50_ms = 0;
  double wait_p90_ms = 0;
  double wait_p99_ms = 0;
  double iteration_p50_ms = 0;
  double iteration_p99_ms = 0;
  std::optional<double> cpu_ratio;
  std::optional<double> runqueue_ratio;
  std::vector<WaitRow> waits;
  std::vector<HistogramRow> histogram;
  std::vector<TimelineSlot> timeline;
};

struct WordRow {
  std::string word;
  std::int64_t stalls_count = 0;
  double total_ms = 0;
  double ratio = 0;  ///< of the time of the stalls that were kept
};

/// A function of the user and what it cost.
struct Culprit {
  std::string function;
  std::string location;
  std::string package;
  std::string word;
  std::string detail;
  std::int64_t stalls_count = 0;
  double total_ms = 0;
  double longest_ms = 0;
  double ratio = 0;  ///< of the time of the stalls that were kept
};

/// A stack that stalls refer to.
struct Stack {
  std::string word;  ///< activity of the innermost function of the user
  std::vector<v8::StackFrame> frames;
};

struct Pool {
  std::int64_t threads_count = 0;
  double full_ratio = 0;
  std::int64_t longest_queue_count = 0;
  double longest_full_ms = 0;
  std::vector<Blocked> doing;
};

struct Result {
  Envelope envelope;
  std::int64_t pid = 0;
  std::string tier;
  std::string tier_source;
  double tier_error_ms = 0;
  double own_longest_gap_ms = 0;
  double window_ms = 0;
  double threshold_ms = 0;
  std::optional<std::int64_t> stalls_count;
  std::optional<double> stalled_ms;
  std::optional<double> longest_ms;
  std::optional<double> utilization_ratio;
  std::optional<double> wait_p50_ms;
  std::optional<double> wait_p90_ms;
  std::optional<double> wait_p99_ms;
  std::optional<double> gc_ratio;
  std::optional<double> throttled_ms;
  std::vector<WordRow> words;
  std::int64_t stacks_count = 0;
  std::optional<double> stack_failed_ratio;
  std::vector<Culprit> culprits;
  std::vector<Stall> stalls;
  std::vector<Stack> stacks;
  std::vector<Loop> loops;
  std::optional<Pool> pool;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const HistogramBucket* /*tag*/) {
  visit("index", self.index, "number of the bucket");
  visit("count", self.count, "iterations in it");
  visit("total_ns", self.total_ns, "sum of their durations");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const LoopSample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tid", self.tid, "thread id");
  visit("role", self.role, "main, worker or loop");
  visit("name", self.name, "name of the thread");
  visit("window_ms", self.window_ms, "how long it was observed");
  visit("iterations_count", self.iterations_count, "iterations");
  visit("stalls_count", self.stalls_count, "iterations above the threshold");
  visit("stalled_ms", self.stalled_ms, "their time");
  visit("longest_ms", self.longest_ms, "the longest iteration");
  visit("lost_count", self.lost_count, "records that the kernel could not deliver");
  visit("ended", self.ended, "why the observation ended early, or empty");
  visit("histogram", self.histogram, "durations of iterations");
  visit("timeline", self.timeline, "in order of time");
  visit("stalls", self.stalls, "the longest, longest first");
  visit("cpu_ms", self.cpu_ms, "time on a CPU");
  visit("runqueue_ms", self.runqueue_ms, "time ready to run but not on a CPU");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const PoolSample* /*tag*/) {
  visit("threads_count", self.threads_count, "threads of the pool");
  visit("looks_count", self.looks_count, "how often it was looked at");
  visit("full_count", self.full_count, "looks with no idle thread and work that waits");
  visit("longest_queue_count", self.longest_queue_count, "longest queue seen");
  visit("longest_full_ms", self.longest_full_ms, "longest time without an idle thread");
  visit("doing", self.doing, "what its threads were seen in");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when the observation began");
  visit("target", self.target, "the process");
  visit("pid", self.pid, "process id");
  visit("tier", self.tier, "perf, memory or proc");
  visit("tier_source", self.tier_source, "where the times come from");
  visit("tier_error_ms", self.tier_error_ms, "typical error of a duration");
  visit("own_longest_gap_ms", self.own_longest_gap_ms, "longest time in which triage did not look");
  visit("window_ms", self.window_ms, "length of the observation");
  visit("traced_by", self.traced_by, "process that traces the target, or 0");
  visit("loops", self.loops, "the loops");
  visit("pool", self.pool, "libuv's thread pool");
  visit("throttled_ms", self.throttled_ms, "throttling of the control group");
  visit("stacks_count", self.stacks_count, "stacks that were taken during stalls");
  visit("stack_objects_count", self.stack_objects_count, "V8 objects that were checked");
  visit("stack_failed_count", self.stack_failed_count, "of these, not what they had to be");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const HistogramRow* /*tag*/) {
  visit("up_to_ms", self.up_to_ms, "upper bound of the row");
  visit("iterations_count", self.iterations_count, "iterations");
  visit("total_ms", self.total_ms, "sum of their durations");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const WaitRow* /*tag*/) {
  visit("longer_than_ms", self.longer_than_ms, "wait");
  visit("ratio", self.ratio, "share of wall time in which a new request would have waited longer");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Loop* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tid", self.tid, "thread id");
  visit("role", self.role, "main, worker or loop");
  visit("name", self.name, "name of the thread");
  visit("window_ms", self.window_ms, "how long it was observed");
  visit("ended", self.ended, "why the observation ended early, or empty");
  visit("iterations_count", self.iterations_count, "iterations");
  visit("utilization_ratio", self.utilization_ratio, "share of wall time outside of the wait");
  visit("stalls_count", self.stalls_count, "iterations above the threshold");
  visit("stalled_ms", self.stalled_ms, "their time");
  visit("longest_ms", self.longest_ms, "the longest iteration");
  visit("wait_p50_ms", self.wait_p50_ms, "wait of a request that arrives at a random moment");
  visit("wait_p90_ms", self.wait_p90_ms, "same, 90th percentile");
  visit("wait_p99_ms", self.wait_p99_ms, "same, 99th percentile");
  visit("iteration_p50_ms", self.iteration_p50_ms, "median duration of an iteration");
  visit("iteration_p99_ms", self.iteration_p99_ms, "99th percentile, each iteration counted once");
  visit("cpu_ratio", self.cpu_ratio, "share of wall time on a CPU");
  visit("runqueue_ratio", self.runqueue_ratio, "share of wall time ready but not on a CPU");
  visit("waits", self.waits, "share of wall time by wait of a new request");
  visit("histogram", self.histogram, "durations of iterations");
  visit("timeline", self.timeline, "in order of time");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const WordRow* /*tag*/) {
  visit("word", self.word, "reason");
  visit("stalls_count", self.stalls_count, "stalls with this reason");
  visit("total_ms", self.total_ms, "their time");
  visit("ratio", self.ratio, "share of the time of the stalls that were kept");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Culprit* /*tag*/) {
  visit("function", self.function, "innermost function of the service's own code");
  visit("location", self.location, "file:line:column that ran most often");
  visit("package", self.package, "npm package, when no own code was on the stack");
  visit("word", self.word, "reason of most of its time");
  visit("detail", self.detail, "pattern and length, length of the JSON text, path");
  visit("stalls_count", self.stalls_count, "stalls in which it was seen");
  visit("total_ms", self.total_ms, "its part of their time, by samples");
  visit("longest_ms", self.longest_ms, "the longest of these stalls");
  visit("ratio", self.ratio, "share of the time of the stalls that were kept");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Stack* /*tag*/) {
  visit("word", self.word, "what the innermost function of the user called");
  visit("frames", self.frames, "innermost first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Pool* /*tag*/) {
  visit("threads_count", self.threads_count, "threads of the pool");
  visit("full_ratio", self.full_ratio, "share of looks with no idle thread and work that waits");
  visit("longest_queue_count", self.longest_queue_count, "longest queue seen");
  visit("longest_full_ms", self.longest_full_ms, "longest time without an idle thread");
  visit("doing", self.doing, "what its threads were seen in");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("tier", self.tier, "how it was timed: perf, memory or proc; empty: not at all");
  visit("tier_source", self.tier_source, "where the times come from");
  visit("tier_error_ms", self.tier_error_ms, "typical error of a duration");
  visit("own_longest_gap_ms", self.own_longest_gap_ms, "longest time in which triage did not look");
  visit("window_ms", self.window_ms, "length of the observation");
  visit("threshold_ms", self.threshold_ms, "iterations longer than this are stalls");
  visit("stalls_count", self.stalls_count, "stalls of all loops");
  visit("stalled_ms", self.stalled_ms, "their time");
  visit("longest_ms", self.longest_ms, "the longest iteration of any loop");
  visit("utilization_ratio", self.utilization_ratio, "of the busiest loop");
  visit("wait_p50_ms", self.wait_p50_ms, "wait of a request at a random moment, busiest loop");
  visit("wait_p90_ms", self.wait_p90_ms, "same, 90th percentile");
  visit("wait_p99_ms", self.wait_p99_ms, "same, 99th percentile");
  visit("gc_ratio", self.gc_ratio, "share of the stalled time in the garbage collector");
  visit("throttled_ms", self.throttled_ms, "throttling of the control group, all its threads");
  visit("words", self.words, "reasons, most time first");
  visit("stacks_count", self.stacks_count, "stacks that were taken during stalls");
  visit("stack_failed_ratio", self.stack_failed_ratio,
        "V8 objects that were not what they had to be, 0..1; null when none was read");
  visit("culprits", self.culprits, "functions, most time first");
  visit("stalls", self.stalls, "longest first");
  visit("stacks", self.stacks, "the stacks of the stalls, each once");
  visit("loops", self.loops, "longest stall first");
  visit("pool", self.pool, "libuv's thread pool");
}

}  // namespace triage::probes::lag
