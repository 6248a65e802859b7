#pragma once

/// Queries to Prometheus and what speaks its API (Thanos, Mimir,
/// VictoriaMetrics, a data source proxy of Grafana).
/// https://prometheus.io/docs/prometheus/latest/querying/api/
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/net/http.h"

namespace triage {
class JsonCursor;
}

namespace triage::backends {

using Labels = std::map<std::string, std::string>;

/// A native histogram at one time.
struct NativeHistogram {
  struct Bucket {
    double low = 0;
    double high = 0;
    double count = 0;
  };
  double count = 0;
  double sum = 0;
  std::vector<Bucket> buckets;  ///< ascending
  /// Largest high / low of the buckets around 1: how far a quantile may be off.
  /// 0 without buckets.
  [[nodiscard]] double resolution() const;
};

/// One time series. Times in seconds since 1970, ascending; a scrape that is
/// missing is no point, and a value may be NaN or infinite, as the server says.
struct TimeSeries {
  Labels labels;
  std::vector<double> at_s;
  std::vector<double> values;
  std::vector<double> histogram_at_s;
  std::vector<NativeHistogram> histograms;
};

struct QueryAnswer {
  std::string type;                   ///< vector, matrix, scalar or string
  std::vector<TimeSeries> series;     ///< a scalar is one series without labels
  std::string text;                   ///< of a string
  std::vector<std::string> warnings;  ///< infos too: the answer may be incomplete
};

/// An alert as /api/v1/alerts lists it.
struct Alert {
  Labels labels;
  std::string state;  ///< firing or pending
  std::string active_at;
  std::string summary;  ///< its annotation summary or description
};

/// `name{label="value"}` as PromQL writes it.
std::string series_name(const Labels& labels);

/// {"metric":{..},"value(s)":..}, of a matrix or vector; Loki writes the same. Throws
/// Error{malformed} for a sample that is none.
TimeSeries read_series(JsonCursor& cursor);

/// The values of an answer body. Throws Error{malformed} for what is no answer,
/// and for an error that the server states: {usage} a wrong query, {budget} a
/// query that is too expensive, {unreachable} not ready. `query` is shown with
/// the place of a parse error.
QueryAnswer parse_query_answer(const net::Response& response, std::string_view query);

class Prometheus {
 public:
  /// Points per series that the server gives at most.
  static constexpr std::size_t most_points = 11'000;

  Prometheus(std::string_view address, net::ClientOptions options, Session& session);

  /// At the server's own time when `at_s` is absent.
  QueryAnswer instant(const std::string& query, std::optional<double> at_s = std::nullopt);
  /// Split into parts of 11,000 points, asked in parallel and joined.
  QueryAnswer range(const std::string& query, double from_s, double to_s, double step_s);
  /// Several of them in parallel, each with its own failure.
  std::vector<std::optional<QueryAnswer>> ranges(const std::vector<std::string>& queries,
                                                 double from_s, double to_s, double step_s,
                                                 std::vector<Gap>& gaps);
  /// Metric names that had samples between the two times.
  std::vector<std::string> metric_names(double from_s, double to_s);
  /// Values of a label among the series of a selector.
  std::vector<std::string> label_values(const std::string& label, const std::string& selector,
                                        double from_s, double to_s);
  /// The label sets, names included, that match a selector.
  std::vector<Labels> series(const std::string& selector, double from_s, double to_s);
  std::vector<Alert> alerts();
  /// Server's clock minus ours, by the Date header of the last answer; whole
  /// seconds.
  [[nodiscard]] std::optional<double> clock_offset_s() const { return clock_offset_s_; }
  [[nodiscard]] const std::string& address() const { return client_.address(); }
  /// The curl line that repeats an instant or range query.
  [[nodiscard]] std::string repeat_line(const std::string& query, std::optional<double> from_s,
                                        double to_s, double step_s) const;

 private:
  net::Response get(const std::string& path, net::Pairs parameters);
  void note_clock(const net::Response& response);

  net::HttpClient client_;
  const Clock& clock_;
  std::optional<double> clock_offset_s_;
};

}  // namespace triage::backends
