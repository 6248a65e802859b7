#include <fmt/format.h>

#include <algorithm>

#include "lib/base/units.h"
#include "lib/probes/trace.h"

namespace triage::probes::trace {
namespace {

std::string ms(double value) {
  return format_duration(value / 1000);
}

Section entries_section(const Result& result) {
  Table table{{{"requests", false, true},
               {"traces", true, false},
               {"failed", true, false},
               {"median", true, false},
               {"p95", true, false},
               {"max", true, false}},
              {}};
  for (const auto& row : result.entries)
    table.rows.push_back({row.service + " " + row.operation, format_count(row.traces_count),
                          format_count(row.failed_count), ms(row.median_ms), ms(row.p95_ms),
                          ms(row.max_ms)});
  return {"REQUESTS",
          fmt::format("{} traces, {} spans, {} to {}", format_count(result.traces_count),
                      format_count(result.spans_count), result.from.value_or("unknown"),
                      result.to.value_or("unknown")),
          {std::move(table)},
          false};
}

Section path_section(const Result& result) {
  Table table{{{"critical path", false, true},
               {"share", true, false},
               {"per trace", true, false},
               {"traces", true, false},
               {"calls", true, false},
               {"failed", true, false}},
              {}};
  for (const auto& row : result.operations) {
    const auto traces = static_cast<double>(std::max<std::int64_t>(row.traces_count, 1));
    table.rows.push_back({row.service + " " + row.operation, format_ratio(row.path_ratio),
                          ms(row.path_ms / traces), format_count(row.traces_count),
                          format_count(row.calls_count), format_count(row.failed_count)});
  }
  return {"WHERE THE TIME GOES", "own time on the critical paths", {std::move(table)}, false};
}

Section slow_section(const Result& result) {
  Section section{
      "SLOW AGAINST NORMAL", "own time on the critical path, mean of a trace", {}, false};
  if (result.baseline_traces_count > 0) section.title = "NOW AGAINST THE BASELINE";
  for (const auto& one : result.slow) {
    if (one.slow_median_ms < 1.3 * one.normal_median_ms) continue;
    section.blocks.emplace_back(Paragraph{fmt::format(
        "{} {}: {} traces of {} (median, from {}) against {} of {}; example {}", one.service,
        one.operation, one.slow_count, ms(one.slow_median_ms), ms(one.slow_from_ms),
        one.normal_count, ms(one.normal_median_ms), one.example)});
    Table table{{{"operation", false, true},
                 {"slow", true, false},
                 {"normal", true, false},
                 {"part", true, false},
                 {"p", true, false},
                 {"calls", true, false}},
                {}};
    for (std::size_t i = 0; i < std::min<std::size_t>(one.differences.size(), 5); ++i) {
      const auto& row = one.differences[i];
      if (i > 0 && row.gap_ratio < 0.01) break;
      table.rows.push_back({row.service + " " + row.operation, ms(row.slow_ms), ms(row.normal_ms),
                            format_ratio(row.gap_ratio),
                            row.p_value < 0.001 ? "< 0.001" : fmt::format("{:.3f}", row.p_value),
                            fmt::format("{:.1f}/{:.1f}", row.slow_calls, row.normal_calls)});
    }
    section.blocks.emplace_back(std::move(table));
  }
  return section;
}

Section waits_section(const Result& result) {
  Table table{{{"service", false, true},
               {"before p95", true, false},
               {"of all", true, false},
               {"silent", true, false},
               {"uncovered p95", true, false},
               {"pool p95", true, false}},
              {}};
  const auto ratio = [](double value) { return format_ratio(value); };
  for (const auto& row : result.waits)
    if (row.calls_count > 0 || row.pool_waits_count > 0 || row.uncovered_p95_ms)
      table.rows.push_back({row.service, row.before_p95_ms ? ms(*row.before_p95_ms) : "-",
                            format_ratio(row.before_path_ratio),
                            or_unknown(row.before_silent_ratio, ratio),
                            row.uncovered_p95_ms ? ms(*row.uncovered_p95_ms) : "-",
                            row.pool_p95_ms ? ms(*row.pool_p95_ms) : "-"});
  return {"WAITING THAT NO SPAN SHOWS", "", {std::move(table)}, false};
}

Section failures_section(const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& row : result.failures) {
    std::string text = fmt::format("{} {}", row.service, row.operation);
    if (!row.callee.empty()) text += " -> " + row.callee;
    if (!row.error.empty()) text += ": " + row.error;
    items.items.push_back({text,
                           {fmt::format("{} traces ({}), {} reached the root; first {}; example {}",
                                        row.traces_count, format_ratio(row.traces_ratio),
                                        row.reached_root_count, row.first_at, row.example)},
                           {}});
  }
  return {"WHERE FAILURES BEGIN", "", {std::move(items)}, false};
}

Section patterns_section(const Result& result) {
  Table table{{{"pattern", false, true},
               {"traces", true, false},
               {"count", true, false},
               {"time", true, false},
               {"example", false, false}},
              {}};
  const auto short_id = [](const std::string& id) { return id.substr(0, 16); };
  for (const auto& row : result.repeated)
    table.rows.push_back({fmt::format("repeated: {} {}", row.service, row.call),
                          format_count(row.traces_count),
                          fmt::format("{} (max {})", row.median_count, row.max_count),
                          ms(row.median_ms), short_id(row.example)});
  for (const auto& row : result.retries)
    table.rows.push_back({fmt::format("retried: {} {}", row.service, row.call),
                          format_count(row.retried_count),
                          fmt::format("{:.2f} (max {})", row.amplification_ratio, row.max_attempts),
                          or_unknown(row.gap_ms, ms), short_id(row.example)});
  for (const auto& row : result.sequential)
    table.rows.push_back({fmt::format("one after the other: {} {}", row.service, row.parent),
                          format_count(row.traces_count),
                          format_count(static_cast<std::int64_t>(row.calls.size())),
                          ms(row.saving_ms), short_id(row.example)});
  return {"PATTERNS",
          "time: of the calls, of a pause, of what parallel calls would save",
          {std::move(table)},
          false};
}

Section tree_section(const Result& result) {
  Table table{{{"span", false, true},
               {"start", true, false},
               {"duration", true, false},
               {"path", true, false}},
              {}};
  std::string last;
  for (const auto& row : result.tree) {
    std::string text(static_cast<std::size_t>(std::min<std::int64_t>(row.depth, 20)) * 2, ' ');
    if (row.service != last) text += row.service + " ";
    last = row.service;
    text += row.operation;
    if (!row.error.empty()) text += " !! " + row.error;
    table.rows.push_back(
        {text, ms(row.start_ms), ms(row.duration_ms), row.path_ms > 0 ? ms(row.path_ms) : "-"});
  }
  return {"THE TRACE", "path: own part of the critical path", {std::move(table)}, false};
}

}  // namespace

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (result.traces_count == 0) return all;
  all.push_back(entries_section(result));
  if (!result.tree.empty()) all.push_back(tree_section(result));
  all.push_back(path_section(result));
  Section slow = slow_section(result);
  if (!slow.blocks.empty()) all.push_back(std::move(slow));
  if (!result.waits.empty()) all.push_back(waits_section(result));
  if (!result.failures.empty()) all.push_back(failures_section(result));
  if (!result.repeated.empty() || !result.retries.empty() || !result.sequential.empty())
    all.push_back(patterns_section(result));
  return all;
}

}  // namespace triage::probes::trace
