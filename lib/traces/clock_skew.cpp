#include "lib/traces/clock_skew.h"

#include <algorithm>
#include <map>
#include <utility>

#include "lib/traces/critical_path.h"

namespace triage::traces {
namespace {

constexpr std::int64_t tolerance_ns = 2'000'000;
constexpr std::size_t fewest_calls = 5;  ///< that end late before it counts as a clock

TextIndex clock_of(const SpanTable& spans, SpanIndex span) {
  const Process& process = spans.processes[spans.process[span]];
  return process.host != TextPool::empty ? process.host : process.instance;
}

/// Bounds of the offset between two clocks, one pair a call.
struct Bounds {
  std::vector<std::int64_t> low;   ///< caller's start - callee's start
  std::vector<std::int64_t> high;  ///< caller's end - callee's end
};
using Pairs = std::map<std::pair<TextIndex, TextIndex>, Bounds>;

Pairs bounds_of(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  Pairs pairs;
  for (SpanIndex span = 0; span < spans.size(); ++span) {
    const SpanIndex parent = forest.parent(span);
    if (parent == none || !forest.usable(span)) continue;
    const TextIndex from = clock_of(spans, parent);
    const TextIndex to = clock_of(spans, span);
    if (from == to || from == TextPool::empty || to == TextPool::empty) continue;
    Bounds& bounds = pairs[{from, to}];
    bounds.low.push_back(spans.start_ns[parent] - spans.start_ns[span]);
    // a caller that gave up says nothing about when the callee ended
    if (!spans.is(parent, failed) && blocks_parent(forest, span))
      bounds.high.push_back(spans.end_ns(parent) - spans.end_ns(span));
  }
  return pairs;
}

std::int64_t quantile(std::vector<std::int64_t>& values, double p) {
  const auto at = static_cast<std::size_t>(p * static_cast<double>(values.size() - 1));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

/// What to add to the callee's clock; 0 when the two can be one.
std::int64_t offset_of(Bounds& bounds) {
  const std::int64_t low = quantile(bounds.low, 0.95);
  if (bounds.high.empty()) return low > tolerance_ns ? low : 0;
  const bool early = low > tolerance_ns;
  const bool late =
      bounds.high.size() >= fewest_calls && quantile(bounds.high, 0.95) < -tolerance_ns;
  if (!early && !late) return 0;
  const std::int64_t high = quantile(bounds.high, 0.05);
  if (high > low) return low + (high - low) / 2;
  return early ? low : high;
}

}  // namespace

std::vector<ClockOffset> correct_clock_skew(Forest& forest) {
  std::vector<ClockOffset> offsets;
  std::map<std::pair<TextIndex, TextIndex>, std::int64_t> moves;
  for (auto& [hosts, bounds] : bounds_of(forest)) {
    const std::int64_t offset = offset_of(bounds);
    if (offset == 0) continue;
    moves[hosts] = offset;
    offsets.push_back(
        {hosts.first, hosts.second, offset, static_cast<std::int64_t>(bounds.low.size())});
  }
  if (moves.empty()) return offsets;
  // offsets add up on the way down: one from a clock that was itself moved is relative to it
  const SpanTable& spans = forest.spans();
  std::vector<std::pair<SpanIndex, std::int64_t>> open;
  for (SpanIndex span = 0; span < spans.size(); ++span)
    if (forest.parent(span) == none && forest.usable(span)) open.emplace_back(span, 0);
  while (!open.empty()) {
    const auto [span, correction] = open.back();
    open.pop_back();
    for (const SpanIndex child : forest.children(span)) {
      const auto move = moves.find({clock_of(spans, span), clock_of(spans, child)});
      open.emplace_back(child, correction + (move == moves.end() ? 0 : move->second));
    }
    if (correction != 0) forest.shift_start(span, correction);
  }
  return offsets;
}

std::int64_t count_impossible_order(const Forest& forest) {
  const SpanTable& spans = forest.spans();
  std::int64_t count = 0;
  for (SpanIndex span = 0; span < spans.size(); ++span) {
    const SpanIndex parent = forest.parent(span);
    if (parent != none && forest.usable(span) &&
        spans.start_ns[span] + tolerance_ns < spans.start_ns[parent])
      ++count;
  }
  return count;
}

}  // namespace triage::traces
