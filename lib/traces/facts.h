#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the analyses of this room give: plain rows with texts, worst first, ready for a document.
/// Times are milliseconds of clocks corrected for skew; a ratio is 0 to 1. `example` is the id of
/// the trace that shows it best.
namespace triage::traces {

/// One entry point: the operation of root spans.
struct EntryRow {
  std::string service;
  std::string operation;
  std::int64_t traces_count = 0;
  std::int64_t failed_count = 0;
  double median_ms = 0;
  double p95_ms = 0;
  double max_ms = 0;
  std::string slowest;  ///< trace id
};

/// Where the time of requests goes.
struct OperationRow {
  std::string service;
  std::string operation;
  std::int64_t calls_count = 0;
  std::int64_t failed_count = 0;
  std::int64_t traces_count = 0;  ///< on whose critical path it spends time
  double path_ms = 0;             ///< on critical paths, own part, all traces
  double path_ratio = 0;          ///< of the duration of all traces
  double self_ms = 0;             ///< without its children, on the path or not
};

struct RepeatedCall {
  std::string service;
  std::string parent;
  std::string call;
  std::string detail;
  std::int64_t traces_count = 0;
  double traces_ratio = 0;  ///< of the traces with this parent
  std::int64_t median_count = 0;
  std::int64_t max_count = 0;
  double median_ms = 0;   ///< all repetitions of one parent together
  double path_ratio = 0;  ///< of the traces' duration
  std::string example;
};

struct SequentialCalls {
  std::string service;
  std::string parent;
  std::vector<std::string> calls;
  std::int64_t traces_count = 0;
  double saving_ms = 0;     ///< median: sum of the calls without the longest
  double saving_ratio = 0;  ///< of the root's duration, median
  std::string example;
};

struct RetryRow {
  std::string service;
  std::string call;
  std::string detail;
  std::int64_t calls_count = 0;      ///< that were meant
  std::int64_t attempts_count = 0;   ///< that were sent
  double amplification_ratio = 0;    ///< attempts over calls
  std::int64_t retried_count = 0;    ///< calls with more than one attempt
  std::int64_t recovered_count = 0;  ///< of them, those whose last attempt went well
  std::int64_t max_attempts = 0;
  std::optional<double> gap_ms;  ///< median between the end of an attempt and the next one
  std::string backoff;           ///< none, constant, growing, unknown
  std::string example;
};

struct FailureOrigin {
  std::string service;
  std::string operation;
  std::string error;
  std::string callee;  ///< who was called and gave no span; empty: it failed itself
  std::int64_t traces_count = 0;
  double traces_ratio = 0;  ///< of the traces with a failed span
  std::int64_t reached_root_count = 0;
  std::string first_at;  ///< RFC 3339
  std::string example;
};

/// Waiting that no span shows: before a handler starts, between its children, for a connection.
struct WaitRow {
  std::string service;
  bool node = false;
  std::int64_t calls_count = 0;
  std::optional<double> before_median_ms;  ///< call sent to handler started
  std::optional<double> before_p95_ms;
  double before_path_ms = 0;                  ///< on critical paths, all traces
  double before_path_ratio = 0;               ///< of the duration of all traces
  std::optional<double> before_silent_ratio;  ///< of it, with no event at all in the callee
  std::optional<double> before_caller_silent_ratio;
  std::string meanwhile;  ///< operation of the process that ran during these waits
  std::optional<double> meanwhile_ratio;
  std::optional<double> uncovered_p95_ms;  ///< of a server span, without children
  std::optional<double> uncovered_silent_ratio;
  std::int64_t pool_waits_count = 0;
  std::optional<double> pool_p95_ms;
  double pool_ms = 0;
  std::string example;
};

struct DependencyRow {
  std::string caller;
  std::string callee;
  std::string kind;  ///< service, or external: its own spans are not there
  std::int64_t calls_count = 0;
  double calls_per_trace = 0;
  double failed_ratio = 0;
  double median_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
};

/// One operation in slow traces and in normal ones.
struct Difference {
  std::string service;
  std::string operation;
  double normal_ms = 0;  ///< mean own time on the critical path, per trace
  double slow_ms = 0;
  double gap_ratio = 0;     ///< of the difference between the two sets
  double p_value = 1;       ///< Mann-Whitney, Holm-adjusted for all operations
  double normal_calls = 0;  ///< per trace
  double slow_calls = 0;
  double median_if_normal_ms = 0;  ///< of the slow traces, if it took what it takes in normal ones
};

struct Comparison {
  std::string service;
  std::string operation;
  std::int64_t normal_count = 0;
  std::int64_t slow_count = 0;
  double normal_median_ms = 0;
  double slow_median_ms = 0;
  double slow_from_ms = 0;  ///< the shortest trace of the slow set
  std::vector<Difference> differences;
  std::string example;
};

struct SkewRow {
  std::string from;
  std::string to;
  double offset_ms = 0;
  std::int64_t calls_count = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const EntryRow* /*tag*/) {
  visit("service", self.service, "of the root span");
  visit("operation", self.operation, "of the root span");
  visit("traces_count", self.traces_count, "traces that begin there");
  visit("failed_count", self.failed_count, "of them, with a failed root");
  visit("median_ms", self.median_ms, "duration of the root");
  visit("p95_ms", self.p95_ms, "95th percentile");
  visit("max_ms", self.max_ms, "the slowest");
  visit("slowest", self.slowest, "trace id of the slowest");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const OperationRow* /*tag*/) {
  visit("service", self.service, "that spends the time");
  visit("operation", self.operation,
        "span name; '(before) X': sent, but the handler X had not started yet");
  visit("calls_count", self.calls_count, "spans");
  visit("failed_count", self.failed_count, "of them, failed");
  visit("traces_count", self.traces_count, "traces on whose critical path it spends time");
  visit("path_ms", self.path_ms, "own part of the critical paths, all traces");
  visit("path_ratio", self.path_ratio, "of the duration of all traces");
  visit("self_ms", self.self_ms, "time without children, on the critical path or not");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RepeatedCall* /*tag*/) {
  visit("service", self.service, "of the caller");
  visit("parent", self.parent, "operation that repeats the call");
  visit("call", self.call, "operation that is repeated");
  visit("detail", self.detail, "statement or peer");
  visit("traces_count", self.traces_count, "traces with the repetition");
  visit("traces_ratio", self.traces_ratio, "of the traces with this parent");
  visit("median_count", self.median_count, "calls of one parent");
  visit("max_count", self.max_count, "calls of one parent");
  visit("median_ms", self.median_ms, "all calls of one parent together");
  visit("path_ratio", self.path_ratio, "of the duration of these traces");
  visit("example", self.example, "trace id");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SequentialCalls* /*tag*/) {
  visit("service", self.service, "of the caller");
  visit("parent", self.parent, "operation that makes the calls");
  visit("calls", self.calls, "in their order");
  visit("traces_count", self.traces_count, "traces with this sequence");
  visit("saving_ms", self.saving_ms, "median, if they ran at the same time");
  visit("saving_ratio", self.saving_ratio, "of the root's duration, median");
  visit("example", self.example, "trace id");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RetryRow* /*tag*/) {
  visit("service", self.service, "of the caller");
  visit("call", self.call, "operation that is repeated");
  visit("detail", self.detail, "statement or peer");
  visit("calls_count", self.calls_count, "calls that were meant");
  visit("attempts_count", self.attempts_count, "calls that were sent");
  visit("amplification_ratio", self.amplification_ratio, "attempts over calls");
  visit("retried_count", self.retried_count, "calls with more than one attempt");
  visit("recovered_count", self.recovered_count, "of them, those that went well in the end");
  visit("max_attempts", self.max_attempts, "of one call");
  visit("gap_ms", self.gap_ms, "median pause before the next attempt");
  visit("backoff", self.backoff, "none, constant, growing or unknown");
  visit("example", self.example, "trace id");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FailureOrigin* /*tag*/) {
  visit("service", self.service, "where the failure begins");
  visit("operation", self.operation, "where the failure begins");
  visit("error", self.error, "message, numbers of requests replaced by *");
  visit("callee", self.callee, "who was called and left no span; empty: it failed itself");
  visit("traces_count", self.traces_count, "traces with this origin");
  visit("traces_ratio", self.traces_ratio, "of the traces with a failed span");
  visit("reached_root_count", self.reached_root_count, "traces whose root failed too");
  visit("first_at", self.first_at, "first time, RFC 3339 UTC");
  visit("example", self.example, "trace id");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const WaitRow* /*tag*/) {
  visit("service", self.service, "where it waits");
  visit("node", self.node, "its SDK says that it is Node.js");
  visit("calls_count", self.calls_count, "calls from other processes that have both spans");
  visit("before_median_ms", self.before_median_ms, "from the call to the start of its handler");
  visit("before_p95_ms", self.before_p95_ms, "95th percentile");
  visit("before_path_ms", self.before_path_ms, "on critical paths, all traces");
  visit("before_path_ratio", self.before_path_ratio, "of the duration of all traces");
  visit("before_silent_ratio", self.before_silent_ratio,
        "of the long waits, with no event in any span of the callee's process");
  visit("before_caller_silent_ratio", self.before_caller_silent_ratio, "the same for the caller");
  visit("meanwhile", self.meanwhile,
        "the operation of the callee's process that ran most of these waits without calling "
        "anything");
  visit("meanwhile_ratio", self.meanwhile_ratio, "of the long waits, during which it ran");
  visit("uncovered_p95_ms", self.uncovered_p95_ms, "time of a server span without children");
  visit("uncovered_silent_ratio", self.uncovered_silent_ratio,
        "of the long ones, with no event in any span of the process");
  visit("pool_waits_count", self.pool_waits_count, "waits for a pool connection");
  visit("pool_p95_ms", self.pool_p95_ms, "wait for a pool connection");
  visit("pool_ms", self.pool_ms, "all waits together");
  visit("example", self.example, "trace id of the longest wait before a handler");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const DependencyRow* /*tag*/) {
  visit("caller", self.caller, "service");
  visit("callee", self.callee, "service, or address of what has no spans");
  visit("kind", self.kind, "service or external");
  visit("calls_count", self.calls_count, "calls");
  visit("calls_per_trace", self.calls_per_trace, "calls per trace in which the caller occurs");
  visit("failed_ratio", self.failed_ratio, "of the calls");
  visit("median_ms", self.median_ms, "as the caller sees it");
  visit("p95_ms", self.p95_ms, "95th percentile");
  visit("p99_ms", self.p99_ms, "99th percentile");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Difference* /*tag*/) {
  visit("service", self.service, "that spends the time");
  visit("operation", self.operation, "span name, as in operations");
  visit("normal_ms", self.normal_ms, "mean own time on the critical path of a normal trace");
  visit("slow_ms", self.slow_ms, "the same of a slow one");
  visit("gap_ratio", self.gap_ratio, "of the difference between the two sets");
  visit("p_value", self.p_value, "Mann-Whitney test, Holm-adjusted for all operations");
  visit("normal_calls", self.normal_calls, "spans per trace");
  visit("slow_calls", self.slow_calls, "spans per trace");
  visit("median_if_normal_ms", self.median_if_normal_ms,
        "median of the slow traces, if it took what it takes in normal ones");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Comparison* /*tag*/) {
  visit("service", self.service, "of the root span");
  visit("operation", self.operation, "of the root span");
  visit("normal_count", self.normal_count, "traces");
  visit("slow_count", self.slow_count, "traces");
  visit("normal_median_ms", self.normal_median_ms, "duration");
  visit("slow_median_ms", self.slow_median_ms, "duration");
  visit("slow_from_ms", self.slow_from_ms, "shortest trace of the slow set");
  visit("differences", self.differences, "operations, largest part of the difference first");
  visit("example", self.example, "trace id of a slow one");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SkewRow* /*tag*/) {
  visit("from", self.from, "host or instance of the callers");
  visit("to", self.to, "host or instance whose times were moved");
  visit("offset_ms", self.offset_ms, "added to its times");
  visit("calls_count", self.calls_count, "calls it follows from");
}

}  // namespace triage::traces
