#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "lib/base/units.h"
#include "lib/probes/promq.h"

namespace triage::probes::promq {
namespace {

/// The p-quantile, linear within its bucket.
std::optional<double> quantile_of(const backends::NativeHistogram& histogram, double p) {
  double rank = p * histogram.count;
  for (const auto& bucket : histogram.buckets) {
    if (rank <= bucket.count && bucket.count > 0)
      return bucket.low + (bucket.high - bucket.low) * rank / bucket.count;
    rank -= bucket.count;
  }
  return std::nullopt;
}

void take(const Options& options, backends::QueryAnswer& answer, const Window& window,
          Sample& sample) {
  sample.type = answer.type;
  sample.text = answer.text;
  sample.warnings = answer.warnings;
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1, options.most_series));
  if (answer.series.size() > most) {
    sample.left_off_count = static_cast<std::int64_t>(answer.series.size() - most);
    answer.series.resize(most);
  }
  for (const auto& series : answer.series) {
    if (!series.at_s.empty() && options.instant) {
      const double value = series.values.back();
      sample.curves.push_back({backends::series_name(series.labels),
                               series.labels,
                               series.at_s.back(),
                               0,
                               {std::isfinite(value) ? std::optional(value) : std::nullopt}});
    } else if (!series.at_s.empty()) {
      sample.curves.push_back(curve_of(series, window));
    }
    if (series.histograms.empty()) continue;
    const auto& last = series.histograms.back();
    sample.histograms.push_back({backends::series_name(series.labels), last.count, last.sum,
                                 quantile_of(last, 0.5), quantile_of(last, 0.99),
                                 std::max(0.0, last.resolution() - 1)});
  }
}

void collect_earlier(const Options& options, backends::Prometheus& prometheus, const Window& window,
                     Sample& sample) {
  for (const auto& offset : offsets_of(options.baseline)) {
    const Window then = shifted(window, offset);
    const auto answer = attempt(sample.gaps, "rows.baseline_ratio", [&] {
      return prometheus.range(options.query, then.from_s, then.to_s, then.step_s);
    });
    if (!answer) continue;
    if (answer->series.empty())
      sample.gaps.push_back({"rows.baseline_ratio", "not_found",
                             fmt::format("no data {} earlier", offset), "take another --baseline"});
    for (auto& earlier : earlier_of(*answer, offset)) sample.earlier.push_back(std::move(earlier));
  }
}

/// The metric of `histogram_quantile(0.99, ..x_bucket..)`, when the quantile is all there is, so
/// that the bounds of its buckets are in the unit of the result; empty for other expressions.
std::string bucket_metric(std::string_view query) {
  constexpr std::string_view function = "histogram_quantile(";
  if (query.rfind(function, 0) != 0) return {};
  int depth = 1;
  std::size_t end = function.size();
  while (end < query.size() && depth > 0) {
    if (query[end] == '(') ++depth;
    if (query[end] == ')') --depth;
    ++end;
  }
  constexpr std::string_view suffix = "_bucket";
  const auto place = query.find(suffix);
  if (end != query.size() || place == std::string_view::npos) return {};
  std::size_t begin = place;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(query[begin - 1])) != 0 ||
                       query[begin - 1] == '_' || query[begin - 1] == ':'))
    --begin;
  return std::string(query.substr(begin, place + suffix.size() - begin));
}

void collect_bounds(const Options& options, backends::Prometheus& prometheus, const Window& window,
                    Sample& sample) {
  const std::string metric = bucket_metric(options.query);
  if (metric.empty() || sample.curves.empty()) return;
  const auto le = attempt(sample.gaps, "rows.bucket", [&] {
    return prometheus.label_values("le", metric, window.from_s, window.to_s);
  });
  if (le) sample.bounds = bounds_of(*le);
}

void plan(const Options& options, const Window& window, Sample& sample) {
  const double points = std::floor((window.to_s - window.from_s) / window.step_s + 1e-6) + 1;
  const double parts = std::ceil(points / static_cast<double>(backends::Prometheus::most_points));
  sample.plan.push_back(
      options.instant
          ? "1 instant query: one point per series"
          : fmt::format("{} range requests of at most 11,000 points: {} points per series, a step "
                        "of {}",
                        parts, format_count(static_cast<std::int64_t>(points)),
                        format_duration(window.step_s)));
  for (const auto& offset : offsets_of(options.baseline))
    sample.plan.push_back(fmt::format("{} more for the baseline {} earlier", parts, offset));
  sample.plan.push_back(sample.repeat);
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.query.empty())
    throw Error(ErrorCode::usage, "promq: no expression given", "triage promq 'up'");
  const Window window = window_of(options.source, session.clock());
  backends::Prometheus prometheus = open(options.source, session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = prometheus.address();
  sample.from_s = options.instant ? window.to_s : window.from_s;
  sample.to_s = window.to_s;
  sample.step_s = options.instant ? 0 : window.step_s;
  sample.repeat = prometheus.repeat_line(
      options.query, options.instant ? std::nullopt : std::optional(window.from_s), window.to_s,
      window.step_s);
  if (options.plan) {
    plan(options, window, sample);
    return sample;
  }
  backends::QueryAnswer answer =
      options.instant ? prometheus.instant(options.query, window.to_s)
                      : prometheus.range(options.query, window.from_s, window.to_s, window.step_s);
  take(options, answer, window, sample);
  if (!options.instant) collect_earlier(options, prometheus, window, sample);
  collect_bounds(options, prometheus, window, sample);
  sample.clock_offset_s = prometheus.clock_offset_s();
  return sample;
}

}  // namespace triage::probes::promq
