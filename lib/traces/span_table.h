#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace triage::traces {

/// Spans of many traces as columns: about 64 bytes a span, so that a gigabyte of JSON fits. Texts
/// are numbers into one pool.
using TextIndex = std::uint32_t;
using SpanIndex = std::uint32_t;
using TraceIndex = std::uint32_t;
using ProcessIndex = std::uint32_t;
constexpr std::uint32_t none = 0xFFFFFFFF;

/// Every text once. Texts of outside data have no bound: from `most_texts` on new ones become
/// "(others)", and `overflowed()` says so.
class TextPool {
 public:
  TextPool();
  TextIndex add(std::string_view text);
  [[nodiscard]] std::string_view operator[](TextIndex index) const { return texts_[index]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  static constexpr TextIndex empty = 0;

 private:
  std::vector<std::string_view> texts_;
  std::vector<std::vector<char>> blocks_;
  std::size_t left_ = 0;  ///< bytes free in the last block
  std::unordered_map<std::string_view, TextIndex> index_;
  bool overflowed_ = false;
};

/// OpenTelemetry's numbers (trace.proto, Span.SpanKind).
enum class SpanKind : std::uint8_t { unset, internal, server, client, producer, consumer };
std::string_view name_of(SpanKind kind);
/// "client", "SPAN_KIND_CLIENT", "CLIENT"; unset for another word.
SpanKind span_kind_of(std::string_view word);

/// Bits of the column `flags`.
enum : std::uint8_t {
  failed = 1,     ///< status ERROR, tag error=true, or an HTTP status from 500 on
  follows = 2,    ///< the only reference is FOLLOWS_FROM: the parent does not wait
  shared = 4,     ///< Zipkin: server half that has the id of its client half
  duplicate = 8,  ///< the same id came before in this trace
  adrift = 16,    ///< its chain of parents is a circle
  resent = 32,    ///< the instrumentation says it is a repeated attempt
  skewed = 64,    ///< start was moved: its clock differs from its parent's
};

/// A trace id of up to 128 bits; another text is hashed, and kept as text beside.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const TraceId&) const = default;
};
struct TraceIdHash {
  std::size_t operator()(const TraceId& id) const {
    return id.low ^ (id.high * 0x9E3779B97F4A7C15);
  }
};

/// Where a span ran.
struct Process {
  TextIndex service = TextPool::empty;
  TextIndex instance = TextPool::empty;  ///< service.instance.id, pod or host:pid; empty: unknown
  TextIndex host = TextPool::empty;      ///< whose clock it is; empty: unknown
  bool node = false;                     ///< telemetry.sdk.language is nodejs
  bool operator==(const Process&) const = default;
};

/// One span as it was read.
struct Span {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;   ///< 0: none
  std::int64_t start_ns = 0;  ///< since the epoch
  std::int64_t duration_ns = 0;
  TraceIndex trace = none;
  ProcessIndex process = none;
  TextIndex operation = TextPool::empty;
  TextIndex detail = TextPool::empty;  ///< statement without literals, else the peer
  TextIndex peer = TextPool::empty;    ///< whom it calls: name:port, else the kind of database
  TextIndex error = TextPool::empty;   ///< message of the failure
  std::uint16_t http_status = 0;
  SpanKind kind = SpanKind::unset;
  std::uint8_t flags = 0;
};

/// The columns. After link() (link.h) the spans of a trace are neighbours.
struct SpanTable {
  std::vector<std::uint64_t> id;
  std::vector<std::uint64_t> parent_id;
  std::vector<std::int64_t> start_ns;
  std::vector<std::int64_t> duration_ns;
  std::vector<TraceIndex> trace;
  std::vector<ProcessIndex> process;
  std::vector<TextIndex> operation;
  std::vector<TextIndex> detail;
  std::vector<TextIndex> peer;
  std::vector<TextIndex> error;
  std::vector<std::uint16_t> http_status;
  std::vector<SpanKind> kind;
  std::vector<std::uint8_t> flags;

  TextPool texts;
  std::vector<Process> processes;
  std::vector<TraceId> trace_ids;
  std::map<TraceIndex, std::string> odd_trace_ids;  ///< those that are no hexadecimal numbers

  template <class Change>
  void for_each_column(Change&& change) {
    change(id), change(parent_id), change(start_ns), change(duration_ns), change(trace);
    change(process), change(operation), change(detail), change(peer), change(error),
        change(http_status);
    change(kind), change(flags);
  }
  [[nodiscard]] std::size_t size() const { return id.size(); }
  [[nodiscard]] std::int64_t end_ns(SpanIndex span) const {
    return start_ns[span] + duration_ns[span];
  }
  [[nodiscard]] TextIndex service(SpanIndex span) const { return processes[process[span]].service; }
  [[nodiscard]] bool is(SpanIndex span, std::uint8_t flag) const {
    return (flags[span] & flag) != 0;
  }
  /// As Jaeger writes it: 32 hexadecimal digits, 16 when the upper half is 0.
  [[nodiscard]] std::string trace_id(TraceIndex index) const;
  [[nodiscard]] std::string span_id(SpanIndex span) const;  ///< 16 hexadecimal digits
};

/// Up to 16 hexadecimal digits as a number; another text gives a hash of it, never 0. An empty text
/// is 0.
std::uint64_t parse_span_id(std::string_view text);
/// Up to 32 digits; `odd` becomes true when the text is no such number.
TraceId parse_trace_id(std::string_view text, bool& odd);

/// Fills a table, and keeps only what was asked for.
class SpanTableBuilder {
 public:
  /// Only these traces, as hexadecimal texts with or without leading zeros; empty: all.
  void keep_only(const std::vector<std::string>& trace_ids);
  /// none when the trace is not wanted. `text` is the id as read.
  TraceIndex trace(std::string_view text);
  ProcessIndex process(const Process& process);
  TextPool& texts() { return table_.texts; }
  void add(const Span& span);
  /// Gives the spans from `first` on the process that `by_local` says for the number they carry;
  /// those without one are dropped: the file was cut before it said where they ran.
  void assign_processes(SpanIndex first, const std::vector<ProcessIndex>& by_local);
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] SpanTable take();

 private:
  SpanTable table_;
  std::unordered_map<TraceId, TraceIndex, TraceIdHash> traces_;
  std::unordered_map<std::uint64_t, std::vector<ProcessIndex>> processes_;
  std::vector<TraceId> wanted_;
  TraceId last_id_;
  TraceIndex last_trace_ = none;
  bool has_last_ = false;
};

}  // namespace triage::traces
