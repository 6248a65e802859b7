#include "lib/probes/promq_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "lib/base/units.h"

namespace triage::probes::promq {
namespace {

constexpr double usual_points = 240;
constexpr double least_step_s = 5;
constexpr double worst_clock_s = 30;

double seconds(std::chrono::milliseconds value) {
  return std::chrono::duration<double>(value).count();
}

double time_of(const std::string& text, std::string_view option) {
  try {
    return to_epoch_seconds(parse_rfc3339(text));
  } catch (const Error&) {
    throw Error(ErrorCode::usage, fmt::format("--{}: '{}' is no time", option, text),
                "write it as 2026-11-24T06:58:00Z");
  }
}

}  // namespace

void describe(Source& source, OptionVisitor& visitor) {
  visitor.visit({"prometheus",
                 "address of Prometheus, Thanos, Mimir, VictoriaMetrics or a Grafana data source",
                 "URL",
                 {},
                 false,
                 true,
                 0},
                source.prometheus);
  visitor.visit({"since", "length of the window", "TIME", {}, false, false, 0}, source.since);
  visitor.visit({"from", "its start (RFC 3339)", "TIME", {}, false, false, 0}, source.from);
  visitor.visit({"to", "its end (RFC 3339); default: now", "TIME", {}, false, false, 0}, source.to);
  visitor.visit({"step",
                 "distance of the points; default: 240 points, at least 5 s",
                 "TIME",
                 {},
                 false,
                 false,
                 0},
                source.step);
  net::describe(source.http, visitor);
}

Window window_of(const Source& source, const Clock& clock) {
  Window window;
  window.to_s = source.to.empty() ? to_epoch_seconds(clock.now()) : time_of(source.to, "to");
  // Requests carry milliseconds: a length of a hair less than whole steps would cost the last
  // point.
  const auto whole = [](double at_s) { return std::floor(at_s * 1000) / 1000; };
  window.to_s = whole(window.to_s);
  window.from_s =
      source.from.empty() ? window.to_s - seconds(source.since) : time_of(source.from, "from");
  const double length = window.to_s - window.from_s;
  if (!(length > 0))
    throw Error(ErrorCode::usage, "the window ends before it starts", "check --from and --to");
  window.step_s = seconds(source.step);
  if (window.step_s <= 0) window.step_s = std::max(least_step_s, std::ceil(length / usual_points));
  window.from_s = std::round(window.from_s * 1000) / 1000;
  return window;
}

backends::Prometheus open(const Source& source, Session& session) {
  return {source.prometheus, net::client_options(source.http, "Prometheus"), session};
}

Curve curve_of(const backends::TimeSeries& series, const Window& window) {
  Curve curve{
      backends::series_name(series.labels), series.labels, window.from_s, window.step_s, {}};
  const auto count =
      static_cast<std::size_t>(std::floor((window.to_s - window.from_s) / window.step_s + 1e-6)) +
      1;
  curve.values.resize(count);
  for (std::size_t i = 0; i < series.at_s.size(); ++i) {
    const double place = std::round((series.at_s[i] - window.from_s) / window.step_s);
    if (place < 0 || place >= static_cast<double>(count) || !std::isfinite(series.values[i]))
      continue;
    curve.values[static_cast<std::size_t>(place)] = series.values[i];
  }
  return curve;
}

std::vector<std::string> offsets_of(const std::vector<std::string>& baseline) {
  std::vector<std::string> offsets;
  for (const std::string& list : baseline) {
    std::string_view rest = list;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      std::string offset(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      offset.erase(0, offset.find_first_not_of(' '));
      if (parse_duration(offset, "--baseline").count() <= 0)
        throw Error(ErrorCode::usage, "--baseline must be above 0", "--baseline 24h,7d");
      offsets.push_back(std::move(offset));
    }
  }
  return offsets;
}

Window shifted(const Window& window, const std::string& offset) {
  const double back = std::chrono::duration<double>(parse_duration(offset, "--baseline")).count();
  return {window.from_s - back, window.to_s - back, window.step_s};
}

std::vector<Earlier> earlier_of(const backends::QueryAnswer& answer, const std::string& offset) {
  std::vector<Earlier> all;
  for (const auto& series : answer.series) {
    Earlier earlier{backends::series_name(series.labels), offset, {}};
    for (const double value : series.values)
      if (std::isfinite(value)) earlier.values.push_back(value);
    all.push_back(std::move(earlier));
  }
  return all;
}

std::vector<double> bounds_of(const std::vector<std::string>& le) {
  std::vector<double> bounds;
  for (const std::string& text : le) {
    double bound = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, bound);
    if (parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(bound))
      bounds.push_back(bound);
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  return bounds;
}

std::optional<Bucket> bucket_of(double value, const std::vector<double>& bounds) {
  if (bounds.empty() || !std::isfinite(value)) return std::nullopt;
  // The server clips what lies in +Inf to the highest finite bound.
  if (value >= bounds.back() * (1 - 1e-9)) return Bucket{bounds.back(), std::nullopt};
  const auto high = std::lower_bound(bounds.begin(), bounds.end(), value);
  const double low = high == bounds.begin() ? std::min(0.0, *high) : *std::prev(high);
  return Bucket{low, *high};
}

std::string bucket_text(const Bucket& bucket) {
  return bucket.high ? fmt::format("{:.4g} to {:.4g}", bucket.low, *bucket.high)
                     : fmt::format("at least {:.4g}", bucket.low);
}

std::vector<double> numbers_of(const Curve& curve) {
  std::vector<double> numbers;
  numbers.reserve(curve.values.size());
  for (const auto& value : curve.values)
    numbers.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
  return numbers;
}

void judge_clock(const std::optional<double>& offset_s, std::string_view server,
                 Envelope& envelope) {
  if (!offset_s || std::abs(*offset_s) < worst_clock_s) return;
  envelope.find("clock_off", Severity::warn,
                fmt::format("{}'s clock is {} {} of this machine's: windows that end now "
                            "miss or invent data",
                            server, format_duration(std::abs(*offset_s)),
                            *offset_s > 0 ? "ahead" : "behind"));
}

}  // namespace triage::probes::promq
