#include "lib/probes/promq_preset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/units.h"
#include "lib/report/plot_text.h"

namespace triage::probes::promq_preset {
namespace {

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 4> names{"red", "saturation", "node", "postgres"};
  return names.at(static_cast<std::size_t>(kind));
}

/// The metric names of a preset as one matcher: the plan without any series
/// names them all.
std::string matcher_of(Kind kind) {
  std::string names;
  for (const auto& plan : plan(kind, {}, "", 60)) {
    std::string list = plan.missing;
    for (auto at = list.find(", "); at != std::string::npos; at = list.find(", ", at + 1))
      list.replace(at, 2, "|");
    names += (names.empty() ? "" : "|") + list;
  }
  return "{__name__=~\"" + names + "\"}";
}

std::string quantity(const std::optional<double>& value, const std::string& unit) {
  return or_unknown(value, [&](double number) { return format_quantity(number, unit); });
}

}  // namespace

Help help(Kind kind) {
  const std::string name(name_of(kind));
  const std::string who = kind == Kind::node || kind == Kind::postgres ? "" : " orders";
  return {
      "The usual figures of a service (red: rate, errors, durations; "
      "saturation: event loop, "
      "heap, pool, limits), a host (node exporter) or PostgreSQL (postgres "
      "exporter), with the "
      "onset of each change. The metric names are those found: "
      "prom-client, OpenTelemetry, "
      "cAdvisor, kube-state-metrics. A figure without a metric is unknown.",
      {{"triage promq " + name + who, "the last hour"},
       {"triage promq " + name + who + " --since 6h -o html=figures.html", "as a page"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"service",
                 "value of app, service, job, container, ... or instance",
                 "NAME",
                 {},
                 true,
                 false,
                 0},
                options.service);
  visitor.visit(
      {"baseline", "compare with the window so much earlier: 24h,7d", "TIME", {}, false, false, 0},
      options.baseline);
  describe(options.source, visitor);
}

namespace {

/// The figures in the windows of --baseline.
void collect_earlier(const Options& options, const std::vector<std::string>& queries,
                     backends::Prometheus& prometheus, const promq::Window& window,
                     Sample& sample) {
  for (const std::string& offset : promq::offsets_of(options.baseline)) {
    const promq::Window then = promq::shifted(window, offset);
    const auto answers =
        prometheus.ranges(queries, then.from_s, then.to_s, then.step_s, sample.gaps);
    bool any = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i]) continue;
      for (auto& earlier : promq::earlier_of(*answers[i], offset)) {
        any = any || !earlier.values.empty();
        sample.figures[i].earlier.push_back(std::move(earlier));
      }
    }
    if (!any)
      sample.gaps.push_back({"figures.row.baseline_ratio", "not_found",
                             fmt::format("no data {} earlier", offset), "take another --baseline"});
  }
}

std::string bucket_note(const promq::Bucket& bucket, const std::string& unit) {
  const std::string low = format_quantity(bucket.low, unit);
  return bucket.high
             ? fmt::format("in the bucket {} to {}", low, format_quantity(*bucket.high, unit))
             : "above the last bucket: at least " + low;
}

}  // namespace

Sample collect(Kind kind, const Options& options, Session& session) {
  const auto window = promq::window_of(options.source, session.clock());
  auto prometheus = promq::open(options.source, session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = prometheus.address();
  sample.service = options.service;
  sample.from_s = window.from_s;
  sample.step_s = window.step_s;
  const auto series = prometheus.series(matcher_of(kind), window.from_s, window.to_s);
  std::vector<std::string> queries;
  for (const auto& plan : plan(kind, series, options.service, window.step_s)) {
    if (plan.query.empty()) {
      sample.gaps.push_back(
          {plan.title, "not_found",
           fmt::format("no metric{}", options.service.empty() ? "" : " of " + options.service),
           "looked for: " + plan.missing});
      continue;
    }
    queries.push_back(plan.query);
    sample.figures.push_back({plan.title, plan.unit, plan.limit, plan.query, {}, {}, plan.bounds});
  }
  const auto answers =
      prometheus.ranges(queries, window.from_s, window.to_s, window.step_s, sample.gaps);
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (answers[i])
      for (const auto& one : answers[i]->series)
        sample.figures[i].curves.push_back(promq::curve_of(one, window));
  collect_earlier(options, queries, prometheus, window, sample);
  sample.clock_offset_s = prometheus.clock_offset_s();
  sample.repeat = prometheus.repeat_line(queries.empty() ? "up" : queries.front(), window.from_s,
                                         window.to_s, window.step_s);
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.service = sample.service;
  promq::judge_clock(sample.clock_offset_s, "Prometheus", result.envelope);
  for (const auto& figure : sample.figures) {
    FigureRow row{figure.title, figure.unit, figure.query, {}};
    if (!figure.curves.empty()) row.row = promq::row_of(figure.curves.front(), figure.earlier);
    if (row.row.last) row.row.bucket = promq::bucket_of(*row.row.last, figure.bounds);
    if (row.row.points_count == 0)
      result.envelope.gaps.push_back(
          {figure.title, "not_found", "its query has no data in this window", figure.query});
    if (figure.limit > 0 && row.row.last && *row.row.last > figure.limit)
      result.envelope.find("above_limit", Severity::warn,
                           fmt::format("{}: {} now, above {}", figure.title,
                                       format_quantity(*row.row.last, figure.unit),
                                       format_quantity(figure.limit, figure.unit)));
    if (row.row.onset_s)
      result.envelope.find(
          "level_changed", Severity::info,
          fmt::format("{} went {}", figure.title,
                      promq::change_text(row.row, [&](const std::optional<double>& value) {
                        return quantity(value, figure.unit);
                      })));
    result.figures.push_back(std::move(row));
  }
  const bool any = std::any_of(result.figures.begin(), result.figures.end(),
                               [](const FigureRow& row) { return row.row.points_count > 0; });
  if (!any)
    result.envelope.find("no_data", Severity::unknown,
                         "no figure has data in this window: unknown, not healthy");
  result.envelope.provenance.push_back({{""}, sample.target, sample.at, sample.repeat});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"figure", false, true},
               {"curve", false, false},
               {"now", true, false},
               {"median", true, false},
               {"max", true, false},
               {"onset (UTC)", false, false}},
              {}};
  const bool compared =
      std::any_of(result.figures.begin(), result.figures.end(),
                  [](const FigureRow& figure) { return figure.row.baseline_ratio.has_value(); });
  if (compared) table.columns.push_back({"x usual", true, false});
  Items buckets;
  for (const auto& figure : result.figures) {
    if (figure.row.bucket)
      buckets.items.push_back(
          {fmt::format("{}: {} is {}", figure.title, quantity(figure.row.last, figure.unit),
                       bucket_note(*figure.row.bucket, figure.unit)),
           {},
           {}});
    std::vector<double> numbers;
    for (const auto& value : figure.row.values) numbers.push_back(value.value_or(std::nan("")));
    table.rows.push_back(
        {figure.title, sparkline(numbers, 14), quantity(figure.row.last, figure.unit),
         quantity(figure.row.median, figure.unit), quantity(figure.row.most, figure.unit),
         figure.row.onset_s ? to_time_of_day(from_epoch_seconds(*figure.row.onset_s)) : "-"});
    if (compared)
      table.rows.back().push_back(or_unknown(
          figure.row.baseline_ratio, [](double ratio) { return fmt::format("{:.2f}", ratio); }));
  }
  std::vector<Section> all{{"FIGURES", result.service, {std::move(table)}, false}};
  if (!buckets.items.empty())
    all.push_back(
        {"BUCKETS", "a quantile is no more exact than its bucket", {std::move(buckets)}, false});
  return all;
}

}  // namespace triage::probes::promq_preset
