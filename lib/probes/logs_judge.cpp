#include "lib/probes/logs_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/clock.h"
#include "lib/base/units.h"

namespace triage::probes::logs {
namespace {

/// A template surges when it is this many times as frequent, is seen this often, and is this many
/// standard deviations (Poisson) above what the baseline lets expect.
constexpr double surge_factor = 3;
constexpr std::int64_t surge_count = 10;
constexpr double surge_deviations = 5;
/// One that was expected fewer times than this may be absent by chance.
constexpr double vanished_expected = 5;

bool surges(const Hits& hits, const Spans& spans) {
  const double expected =
      static_cast<double>(hits.baseline_count) * *spans.window_s / *spans.baseline_s;
  const auto count = static_cast<double>(hits.count);
  return hits.count >= surge_count && count >= surge_factor * expected &&
         count - expected >= surge_deviations * std::sqrt(expected + 1);
}

bool vanished(const Hits& hits, const Spans& spans) {
  return hits.count == 0 &&
         static_cast<double>(hits.baseline_count) * *spans.window_s / *spans.baseline_s >=
             vanished_expected;
}

void order_and_cut(std::vector<Occurrence>& list, std::size_t size) {
  std::stable_sort(list.begin(), list.end(), [](const Occurrence& a, const Occurrence& b) {
    return a.count + a.baseline_count.value_or(0) > b.count + b.baseline_count.value_or(0);
  });
  if (list.size() > size) list.resize(size);
}

}  // namespace

Spans spans_of(const Sample& sample) {
  Spans spans;
  if (!sample.from_s || !sample.to_s || !sample.first_s) return spans;
  const double from = *sample.from_s;
  const double length = *sample.to_s - from;
  // A file begins with its first line. A server that has lines from before the window was asked
  // for the whole stretch, and said that there are no others.
  const double first =
      sample.server && sample.baseline_lines_count > 0 ? from - length : *sample.first_s;
  spans.window_s = std::max(1.0, *sample.to_s - std::max(from, first));
  const double baseline = from - std::max(from - length, first);
  if (baseline >= 1) spans.baseline_s = baseline;
  return spans;
}

std::optional<double> rate(std::int64_t count, std::optional<double> seconds) {
  if (!seconds) return std::nullopt;
  return static_cast<double>(count) / *seconds;
}

std::optional<double> share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<std::string> time_text(std::optional<double> seconds) {
  if (!seconds) return std::nullopt;
  return to_rfc3339(from_epoch_seconds(*seconds));
}

Occurrence occurrence_of(const Hits& hits, const Spans& spans) {
  Occurrence result;
  result.count = hits.count;
  result.total_count = hits.total_count;
  result.rate_per_s = rate(hits.count, spans.window_s);
  if (result.rate_per_s) result.per_minute = *result.rate_per_s * 60;
  if (spans.baseline_s) result.baseline_count = hits.baseline_count;
  result.baseline_rate_per_s = rate(hits.baseline_count, spans.baseline_s);
  result.first_s = hits.first_s;
  result.first = time_text(hits.first_s);
  result.last_s = hits.last_s;
  result.last = time_text(hits.last_s);
  result.meaning = hits.meaning;
  result.example = hits.example;
  result.files = hits.files;
  result.trace_ids = hits.trace_ids;
  return result;
}

std::optional<TemplateChanges> template_changes(const Options& options, const Sample& sample,
                                                const Spans& spans) {
  if (!spans.baseline_s || !spans.window_s || sample.baseline_lines_count == 0 ||
      sample.templates.empty())
    return std::nullopt;
  TemplateChanges changes;
  changes.distinct_count = static_cast<std::int64_t>(sample.templates.size());
  for (const auto& [text, hits] : sample.templates) {
    const bool is_new = hits.baseline_count == 0 && hits.count > 0;
    if (!is_new && !surges(hits, spans) && !vanished(hits, spans)) continue;
    auto& list = is_new ? changes.appeared : hits.count == 0 ? changes.vanished : changes.surging;
    list.push_back(occurrence_of(hits, spans));
    list.back().meaning = text;
  }
  for (auto* list : {&changes.appeared, &changes.surging, &changes.vanished})
    order_and_cut(*list, static_cast<std::size_t>(options.top));
  return changes;
}

void judge_templates(const Sample& sample, Result& result) {
  if (!result.templates) return;
  const auto is_error = [&](const Occurrence& hit) {
    return hit.count >= surge_count && sample.templates.at(hit.meaning).error_count > 0;
  };
  const auto tell = [&](const char* id, const char* how, const std::vector<Occurrence>& list) {
    const auto worst = std::find_if(list.begin(), list.end(), is_error);
    if (worst == list.end()) return;
    result.envelope.find(
        id, Severity::warn,
        fmt::format("an error message {}: {} x '{}' ({} before{})", how, format_count(worst->count),
                    worst->meaning, format_count(worst->baseline_count.value_or(0)),
                    worst->first ? ", first " + *worst->first : std::string()));
  };
  tell("new_errors", "is new", result.templates->appeared);
  tell("surging_errors", "surges", result.templates->surging);
}

}  // namespace triage::probes::logs
