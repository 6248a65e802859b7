#include "lib/traces/critical_path.h"

#include <algorithm>

namespace triage::traces {
namespace {

/// A child cut to its parent's interval.
struct Cut {
  std::int64_t from_ns;
  std::int64_t to_ns;
  SpanIndex span;
};

class Walk {
 public:
  explicit Walk(const Forest& forest) : forest_(forest) {}

  /// Appends the path below `root` to `steps`.
  void run(SpanIndex root, std::vector<PathStep>& steps) {
    const SpanTable& spans = forest_.spans();
    steps.push_back({root, none, 0, spans.start_ns[root], spans.end_ns(root)});
    // each step is expanded once; what it finds is appended behind
    for (std::size_t i = steps.size() - 1; i < steps.size(); ++i) expand(i, steps);
  }

 private:
  void expand(std::size_t at, std::vector<PathStep>& steps) {
    const PathStep step = steps[at];
    cut_children(step);
    const std::int64_t whole = step.to_ns - step.from_ns;
    std::int64_t cursor = step.to_ns;
    std::int64_t spent = 0;
    for (const Cut& cut : cuts_) {
      const std::int64_t end = std::min(cut.to_ns, cursor);
      if (cut.to_ns > cursor + whole / 100 || cut.from_ns >= end) continue;
      steps.push_back({cut.span, static_cast<SpanIndex>(at), 0, cut.from_ns, cut.to_ns});
      spent += cut.to_ns - cut.from_ns;
      cursor = cut.from_ns;
    }
    steps[at].own_ns = std::max<std::int64_t>(whole - spent, 0);
  }

  void cut_children(const PathStep& step) {
    const SpanTable& spans = forest_.spans();
    cuts_.clear();
    for (const SpanIndex child : forest_.children(step.span)) {
      if (!blocks_parent(forest_, child)) continue;
      const Cut cut{std::max(step.from_ns, spans.start_ns[child]),
                    std::min(step.to_ns, spans.end_ns(child)), child};
      if (cut.from_ns < cut.to_ns) cuts_.push_back(cut);
    }
    std::sort(cuts_.begin(), cuts_.end(), [](const Cut& a, const Cut& b) {
      if (a.to_ns != b.to_ns) return a.to_ns > b.to_ns;
      return a.from_ns != b.from_ns ? a.from_ns > b.from_ns : a.span < b.span;
    });
  }

  const Forest& forest_;
  std::vector<Cut> cuts_;
};

}  // namespace

bool blocks_parent(const Forest& forest, SpanIndex child) {
  const SpanTable& spans = forest.spans();
  if (spans.is(child, follows | duplicate)) return false;
  const SpanIndex parent = forest.parent(child);
  return spans.kind[child] != SpanKind::consumer || parent == none ||
         spans.kind[parent] != SpanKind::producer;
}

std::int64_t self_time_ns(const Forest& forest, SpanIndex span) {
  const SpanTable& spans = forest.spans();
  const std::int64_t from = spans.start_ns[span];
  const std::int64_t to = spans.end_ns(span);
  std::vector<std::pair<std::int64_t, std::int64_t>> busy;
  for (const SpanIndex child : forest.children(span)) {
    const std::int64_t child_from = std::max(from, spans.start_ns[child]);
    const std::int64_t child_to = std::min(to, spans.end_ns(child));
    if (child_from < child_to) busy.emplace_back(child_from, child_to);
  }
  std::sort(busy.begin(), busy.end());
  std::int64_t free = 0;
  std::int64_t covered = from;
  for (const auto& [child_from, child_to] : busy) {
    free += std::max<std::int64_t>(child_from - covered, 0);
    covered = std::max(covered, child_to);
  }
  return free + (to - covered);
}

std::vector<PathStep> critical_path(const Forest& forest, SpanIndex root) {
  std::vector<PathStep> steps;
  if (root != none) Walk(forest).run(root, steps);
  return steps;
}

CriticalPaths critical_paths(const Forest& forest) {
  CriticalPaths paths;
  paths.first.push_back(0);
  Walk walk(forest);
  for (TraceIndex trace = 0; trace < forest.trace_count(); ++trace) {
    const SpanIndex root = forest.main_root(trace);
    if (root != none) walk.run(root, paths.steps);
    paths.first.push_back(paths.steps.size());
  }
  return paths;
}

}  // namespace triage::traces
