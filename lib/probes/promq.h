#pragma once

/// `triage promq 'EXPR'`: a PromQL expression as table, sparkline and plot, with the onset of each
/// change, a comparison with earlier days, and what the query costs the server.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/promq_source.h"
#include "lib/report/report.h"

namespace triage::probes::promq {

struct Options {
  std::string query;
  Source source;
  bool instant = false;
  std::vector<std::string> baseline;  ///< "24h", "7d": the same window so much earlier
  std::int64_t most_series = 500;
  bool plan = false;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A native histogram in words.
struct HistogramRow {
  std::string name;
  double count = 0;
  double sum = 0;
  std::optional<double> p50;
  std::optional<double> p99;
  double resolution_ratio = 0;  ///< how far a quantile may be off: width of a bucket - 1
};

struct Sample {
  std::string at;
  std::string target;
  double from_s = 0;
  double to_s = 0;
  double step_s = 0;
  std::string type;
  std::string text;
  std::vector<Curve> curves;
  std::vector<HistogramRow> histograms;
  std::vector<Earlier> earlier;
  std::vector<double> bounds;  ///< upper bounds of the buckets a quantile was taken from
  std::vector<std::string> warnings;
  std::vector<std::string> plan;
  std::int64_t left_off_count = 0;
  std::optional<double> clock_offset_s;
  std::string repeat;
  std::vector<Gap> gaps;
};

struct Row {
  std::string name;
  std::optional<double> last;
  std::optional<double> least;
  std::optional<double> median;
  std::optional<double> most;
  std::int64_t points_count = 0;
  std::int64_t missing_count = 0;
  std::optional<double> before;   ///< median before the onset
  std::optional<double> after;    ///< median from it on
  std::optional<double> onset_s;  ///< seconds since 1970
  std::optional<double> onset_from_s;
  std::optional<double> onset_to_s;
  std::optional<double> anomaly_score;   ///< robust deviations between the two medians
  std::optional<double> baseline_ratio;  ///< median / median of the earlier windows
  std::optional<Bucket> bucket;          ///< in which the last value was interpolated
  std::vector<std::optional<double>> values;
};

struct Result {
  Envelope envelope;
  std::string type;
  std::string text;
  double from_s = 0;
  double to_s = 0;
  double step_s = 0;
  std::vector<Row> rows;
  std::vector<HistogramRow> histograms;
  std::vector<std::string> warnings;
  std::vector<std::string> plan;
  std::int64_t left_off_count = 0;
  std::optional<double> clock_offset_s;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// The figures of one curve: level, gaps, onset.
Row row_of(const Curve& curve);
/// The same against the earlier windows of the series.
Row row_of(const Curve& curve, const std::vector<Earlier>& earlier);
/// "from 2.1 to 40 at 12:30:05 UTC (12:29:55 to 12:30:20), 19 deviations"; `text` writes a value.
std::string change_text(const Row& row,
                        const std::function<std::string(const std::optional<double>&)>& text);
/// One table row, a sparkline and the figures, for each; the widest change first in a plot.
std::vector<Section> curve_sections(const std::vector<Row>& rows, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const HistogramRow* /*tag*/) {
  visit("name", self.name, "series");
  visit("count", self.count, "observations");
  visit("sum", self.sum, "their sum");
  visit("p50", self.p50, "median, interpolated within its bucket");
  visit("p99", self.p99, "99th percentile, likewise");
  visit("resolution_ratio", self.resolution_ratio, "width of a bucket: how far they may be off");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was asked");
  visit("target", self.target, "the server");
  visit("from_s", self.from_s, "window");
  visit("to_s", self.to_s, "window");
  visit("step_s", self.step_s, "distance of points");
  visit("type", self.type, "vector, matrix, scalar or string");
  visit("text", self.text, "of a string");
  visit("curves", self.curves, "series");
  visit("histograms", self.histograms, "native histograms");
  visit("earlier", self.earlier, "the same series in earlier windows");
  visit("bounds", self.bounds, "upper bounds of the buckets of a quantile");
  visit("warnings", self.warnings, "what the server says about the answer");
  visit("plan", self.plan, "requests that would be sent");
  visit("left_off_count", self.left_off_count, "series beyond the limit");
  visit("clock_offset_s", self.clock_offset_s, "server's clock minus ours");
  visit("repeat", self.repeat, "curl line");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Row* /*tag*/) {
  visit("name", self.name, "series, as PromQL writes it");
  visit("last", self.last, "last value, in the unit of the expression");
  visit("least", self.least, "smallest");
  visit("median", self.median, "median");
  visit("most", self.most, "largest");
  visit("points_count", self.points_count, "values in the window");
  visit("missing_count", self.missing_count, "steps without a value");
  visit("before", self.before, "median before the onset");
  visit("after", self.after, "median from the onset on");
  visit("onset_s", self.onset_s, "when the level changed, seconds since 1970; null: it did not");
  visit("onset_from_s", self.onset_from_s, "95 % interval of the onset");
  visit("onset_to_s", self.onset_to_s, "95 % interval of the onset");
  visit("anomaly_score", self.anomaly_score, "robust deviations that the level moved");
  visit("baseline_ratio", self.baseline_ratio, "median / median of the earlier windows");
  visit("bucket", self.bucket, "bucket in which the last value, a quantile, was interpolated");
  visit("values", self.values, "one a step; null is a gap");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("type", self.type, "vector, matrix, scalar or string");
  visit("text", self.text, "of a string");
  visit("from_s", self.from_s, "start of the window, seconds since 1970");
  visit("to_s", self.to_s, "its end");
  visit("step_s", self.step_s, "distance of the points");
  visit("rows", self.rows, "series, the largest change first");
  visit("histograms", self.histograms, "native histograms, last value");
  visit("warnings", self.warnings, "what the server says about its answer");
  visit("plan", self.plan, "requests that --plan would send");
  visit("left_off_count", self.left_off_count, "series beyond --most-series");
  visit("clock_offset_s", self.clock_offset_s, "server's clock minus ours");
}

}  // namespace triage::probes::promq
