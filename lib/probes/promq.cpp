#include "lib/probes/promq.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/units.h"
#include "lib/report/plot_text.h"
#include "lib/stats/robust.h"
#include "lib/stats/shift.h"

namespace triage::probes::promq {
namespace {

/// A level that moved by less is noise for a reader, whatever the test says.
constexpr double least_anomaly = 3;
constexpr double sure = 0.01;
constexpr std::size_t most_plotted = 4;
constexpr std::size_t most_listed = 10;
constexpr std::size_t sparkline_width = 16;

std::string time_text(double seconds) {
  return to_time_of_day(from_epoch_seconds(seconds));
}

std::string number_text(const std::optional<double>& value) {
  return or_unknown(value, [](double number) { return fmt::format("{:.4g}", number); });
}

void judge(const Options& options, const Sample& sample, Result& result) {
  Envelope& envelope = result.envelope;
  judge_clock(sample.clock_offset_s, "Prometheus", envelope);
  for (const auto& warning : sample.warnings)
    envelope.find("server_warning", Severity::warn, "the answer may be incomplete: " + warning);
  if (sample.left_off_count > 0)
    envelope.find("series_left_off", Severity::warn,
                  fmt::format("{} series beyond --most-series {} were left off",
                              format_count(sample.left_off_count), options.most_series));
  const bool empty = sample.curves.empty() && sample.histograms.empty() && sample.text.empty();
  if (empty && !options.plan)
    envelope.find("no_data", Severity::unknown,
                  "the expression has no data in this window: unknown, not healthy");
  if (empty) return;
  const auto moved = std::count_if(result.rows.begin(), result.rows.end(),
                                   [](const Row& row) { return row.onset_s.has_value(); });
  envelope.find("curves", Severity::info,
                fmt::format("{} series, {} with a change of level; whether a level is good is not "
                            "judged (triage promq gate does)",
                            format_count(static_cast<std::int64_t>(result.rows.size())),
                            format_count(moved)));
}

Section histogram_section(const Result& result) {
  Table table{{{"native histogram", false, true},
               {"count", true, false},
               {"p50", true, false},
               {"p99", true, false},
               {"exact to", true, false}},
              {}};
  for (const auto& row : result.histograms)
    table.rows.push_back({row.name, fmt::format("{:.4g}", row.count), number_text(row.p50),
                          number_text(row.p99), format_ratio(row.resolution_ratio)});
  return {"HISTOGRAMS", "last value", {std::move(table)}, false};
}

std::string onset_text(const Row& row) {
  if (!row.onset_s) return "-";
  const double half = (*row.onset_to_s - *row.onset_from_s) / 2;
  return fmt::format("{} +-{}", time_text(*row.onset_s), format_duration(half));
}

}  // namespace

Help help() {
  return {
      "Asks Prometheus for an expression over a window and shows each series with its level, its "
      "gaps and the time at which its level changed (Pettitt's test; +- is the 95 % interval, at "
      "least one step) with how far it moved, in robust deviations. --baseline holds it against "
      "the same window earlier. Ranges above 11,000 "
      "points are split; --plan shows the requests without sending them.",
      {{"triage promq 'sum by (app) (rate(http_requests_total[1m]))'", "the last hour"},
       {"triage promq 'histogram_quantile(0.99, sum by (le) (rate(x_bucket[1m])))' --since 6h "
        "--baseline 24h,7d",
        "against yesterday and last week"},
       {"triage promq up --instant --prometheus https://grafana/api/datasources/proxy/uid/abc "
        "--bearer-token-file token",
        "through a Grafana data source"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"query", "PromQL expression", "EXPR", {}, true, false, 0}, options.query);
  visitor.visit({"instant", "the value at the end of the window only", "", {}, false, false, 0},
                options.instant);
  visitor.visit(
      {"baseline", "compare with the window so much earlier: 24h,7d", "TIME", {}, false, false, 0},
      options.baseline);
  visitor.visit({"most-series", "series that are shown at most", "N", {}, false, false, 0},
                options.most_series);
  visitor.visit({"plan", "show the requests, send none", "", {}, false, false, 0}, options.plan);
  describe(options.source, visitor);
}

Row row_of(const Curve& curve) {
  Row row;
  row.name = curve.name;
  row.values = curve.values;
  const std::vector<double> numbers = numbers_of(curve);
  std::vector<double> known;
  for (const double number : numbers)
    if (std::isfinite(number)) known.push_back(number);
  row.points_count = static_cast<std::int64_t>(known.size());
  row.missing_count = static_cast<std::int64_t>(numbers.size() - known.size());
  if (known.empty()) return row;
  row.last = known.back();
  row.least = *std::min_element(known.begin(), known.end());
  row.most = *std::max_element(known.begin(), known.end());
  row.median = stats::median(known);
  const auto change = stats::change_point(numbers);
  if (!change || change->p_value > sure) return row;
  const auto shift = stats::shift_at(numbers, change->index);
  if (!shift || std::abs(shift->median_move) < least_anomaly) return row;
  const auto time = [&](std::size_t index) {
    return curve.from_s + curve.step_s * static_cast<double>(index);
  };
  row.before = shift->before;
  row.after = shift->after;
  row.anomaly_score = std::abs(shift->median_move);
  row.onset_s = time(change->index);
  row.onset_from_s = time(change->low);
  row.onset_to_s = time(change->high);
  return row;
}

Row row_of(const Curve& curve, const std::vector<Earlier>& earlier) {
  Row row = row_of(curve);
  std::vector<double> then;
  for (const auto& one : earlier)
    if (one.name == curve.name) then.insert(then.end(), one.values.begin(), one.values.end());
  const auto usual = stats::median(then);
  if (usual && row.median && *usual != 0) row.baseline_ratio = *row.median / *usual;
  return row;
}

std::string change_text(const Row& row,
                        const std::function<std::string(const std::optional<double>&)>& text) {
  return fmt::format("from {} to {} at {} UTC ({} to {}), {:.0f} robust deviations",
                     text(row.before), text(row.after), time_text(*row.onset_s),
                     time_text(*row.onset_from_s), time_text(*row.onset_to_s),
                     row.anomaly_score.value_or(0));
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.type = sample.type;
  result.text = sample.text;
  result.from_s = sample.from_s;
  result.to_s = sample.to_s;
  result.step_s = sample.step_s;
  result.histograms = sample.histograms;
  result.warnings = sample.warnings;
  result.plan = sample.plan;
  result.left_off_count = sample.left_off_count;
  result.clock_offset_s = sample.clock_offset_s;
  for (const auto& curve : sample.curves) {
    Row row = row_of(curve, sample.earlier);
    if (row.last) row.bucket = bucket_of(*row.last, sample.bounds);
    result.rows.push_back(std::move(row));
  }
  std::stable_sort(result.rows.begin(), result.rows.end(), [](const Row& a, const Row& b) {
    return a.anomaly_score.value_or(0) > b.anomaly_score.value_or(0);
  });
  judge(options, sample, result);
  result.envelope.provenance.push_back(
      {{""}, "Prometheus " + sample.target, sample.at, sample.repeat});
  return result;
}

std::vector<Section> curve_sections(const std::vector<Row>& rows, const Result& result) {
  const bool range = result.step_s > 0;
  Table table{{{"series", false, true}}, {}};
  if (range) table.columns.push_back({"curve", false, false});
  table.columns.push_back({"last", true, false});
  if (range) {
    table.columns.push_back({"median", true, false});
    table.columns.push_back({"max", true, false});
    table.columns.push_back({"onset (UTC)", false, false});
  }
  const bool compared = std::any_of(rows.begin(), rows.end(),
                                    [](const Row& row) { return row.baseline_ratio.has_value(); });
  if (compared) table.columns.push_back({"x usual", true, false});
  std::vector<std::string> full;
  for (const auto& row : rows) full.push_back(row.name);
  const ShortNames names = short_names(full);
  Plot plot;
  for (const auto& row : rows) {
    std::vector<double> numbers;
    for (const auto& value : row.values) numbers.push_back(value.value_or(std::nan("")));
    std::vector<std::string> cells{names.names[table.rows.size()]};
    if (range) cells.push_back(sparkline(numbers, sparkline_width));
    cells.push_back(number_text(row.last));
    if (range) {
      cells.push_back(number_text(row.median));
      cells.push_back(number_text(row.most));
      cells.push_back(onset_text(row));
    }
    if (compared)
      cells.push_back(or_unknown(row.baseline_ratio,
                                 [](double ratio) { return fmt::format("{:.2f}", ratio); }));
    table.rows.push_back(std::move(cells));
    if (plot.series.size() >= most_plotted || !range) continue;
    std::vector<double> times;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      times.push_back(result.from_s + result.step_s * static_cast<double>(i));
    plot.series.push_back({row.name, std::move(times), std::move(numbers)});
    if (!plot.onset && row.onset_s) {
      plot.onset = row.onset_s;
      plot.baseline = row.before;
    }
  }
  std::vector<Section> all;
  const std::string common = names.common.empty() ? "" : ", all with " + names.common;
  all.push_back({"SERIES", fmt::format("{}{}", rows.size(), common), {std::move(table)}, false});
  Items changes;
  Items buckets;
  for (const auto& row : rows) {
    if (row.onset_s && changes.items.size() < most_listed)
      changes.items.push_back({row.name + ": " + change_text(row, number_text), {}, {}});
    if (row.bucket && buckets.items.size() < most_listed)
      buckets.items.push_back({fmt::format("{}: {} is interpolated in the bucket {}", row.name,
                                           number_text(row.last), bucket_text(*row.bucket)),
                               {},
                               {}});
  }
  if (!changes.items.empty())
    all.push_back({"CHANGES", "the 95 % interval in brackets", {std::move(changes)}, false});
  if (!buckets.items.empty())
    all.push_back(
        {"BUCKETS", "a quantile is no more exact than its bucket", {std::move(buckets)}, false});
  if (range && !plot.series.empty()) {
    plot.title = "the largest changes";
    all.push_back({"PLOT", "", {std::move(plot)}, false});
  }
  return all;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (!result.plan.empty()) {
    Items items;
    for (const auto& line : result.plan) items.items.push_back({line, {}, {}});
    all.push_back({"PLAN", "nothing was sent", {std::move(items)}, false});
  }
  if (!result.text.empty()) all.push_back({"TEXT", "", {Paragraph{result.text}}, false});
  if (!result.rows.empty()) all = curve_sections(result.rows, result);
  if (!result.histograms.empty()) all.push_back(histogram_section(result));
  return all;
}

}  // namespace triage::probes::promq
