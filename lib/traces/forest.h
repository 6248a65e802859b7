#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/traces/span_table.h"

namespace triage::traces {

/// What is odd about the traces as they were recorded.
struct Oddities {
  std::int64_t duplicate_spans = 0;  ///< the same id again in one trace; ignored
  std::int64_t orphan_spans = 0;     ///< name a parent that is not there
  std::int64_t circular_spans = 0;   ///< their parents form a circle; ignored
  std::int64_t traces_without_root = 0;
  std::int64_t traces_with_several_roots = 0;
};

/// The spans of all traces with their parents and children. Spans of a trace are neighbours, and a
/// trace is a range of indices.
class Forest {
 public:
  /// Takes the spans over, sorts them by trace and finds parents. Linear but for a sort within each
  /// trace.
  explicit Forest(SpanTable table);

  [[nodiscard]] const SpanTable& spans() const { return table_; }
  [[nodiscard]] std::size_t trace_count() const { return first_.size() - 1; }
  [[nodiscard]] SpanIndex first(TraceIndex trace) const { return first_[trace]; }
  [[nodiscard]] SpanIndex end(TraceIndex trace) const { return first_[trace + 1]; }
  /// none for roots and for orphans.
  [[nodiscard]] SpanIndex parent(SpanIndex span) const { return parent_[span]; }
  [[nodiscard]] std::span<const SpanIndex> children(SpanIndex span) const {
    return {children_.data() + child_first_[span], child_first_[span + 1] - child_first_[span]};
  }
  /// The span that stands for the request: the root, the longest of several; without one the
  /// longest orphan. none for a trace without usable spans.
  [[nodiscard]] SpanIndex main_root(TraceIndex trace) const { return main_root_[trace]; }
  /// Usable: neither a duplicate nor in a circle.
  [[nodiscard]] bool usable(SpanIndex span) const { return !table_.is(span, duplicate | adrift); }
  [[nodiscard]] const Oddities& oddities() const { return oddities_; }

  /// Moves one span in time; for clock_skew.h.
  void shift_start(SpanIndex span, std::int64_t by_ns);

 private:
  struct Key {
    std::uint64_t id;
    SpanIndex span;
  };
  void sort_by_trace();
  void find_parents(TraceIndex trace, std::vector<Key>& keys);
  SpanIndex parent_of(SpanIndex span, const std::vector<Key>& keys) const;
  void find_children();
  void find_circles();
  void find_roots();

  SpanTable table_;
  std::vector<SpanIndex> first_;
  std::vector<SpanIndex> parent_;
  std::vector<SpanIndex> child_first_;
  std::vector<SpanIndex> children_;
  std::vector<SpanIndex> main_root_;
  Oddities oddities_;
};

}  // namespace triage::traces
