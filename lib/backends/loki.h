#pragma once

/// Queries to Grafana Loki (API of 2.x and 3.x).
/// https://grafana.com/docs/loki/latest/reference/loki-http-api/
///
///   Loki loki(address, options, session);
///   const auto reading = loki.read({R"({app="api"})", from_ns, to_ns, 200'000}, on_page);
///
/// A log query is read backwards in pages, so that the newest lines are there when a limit ends the
/// reading. Two lines may have one time stamp, and a page may end between them: each page begins at
/// the last stamp of the one before and leaves out the lines that were given already. When one
/// stamp fills a whole page, it is asked in parts that exclude each other.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/backends/prometheus.h"
#include "lib/base/gap.h"
#include "lib/net/http.h"

namespace triage::backends {

struct LokiEntry {
  std::int64_t at_ns = 0;  ///< since 1970
  std::size_t stream = 0;  ///< index in LokiAnswer::streams
  std::string line;
  Labels metadata;  ///< structured metadata, where the server keeps it apart from the labels
};

struct LokiAnswer {
  std::string type;  ///< streams, matrix, vector or scalar
  std::vector<Labels> streams;
  std::vector<LokiEntry> entries;  ///< of a log query, grouped by stream
  std::vector<TimeSeries> series;  ///< of a metric query
  std::vector<std::string> warnings;
};

/// Reads an answer of /query and /query_range. Throws Error for what is none, and in the server's
/// words for an error, which Loki sends as plain text: {usage} a wrong query, {refused} without a
/// tenant, {budget} beyond a limit of the server.
LokiAnswer parse_loki_answer(const net::Response& response, std::string_view query);

/// What Loki's 400 says about a limit of its own; nothing for other texts.
struct LokiLimit {
  std::optional<std::int64_t> entries;    ///< lines per query
  std::optional<std::int64_t> length_ns;  ///< of the window
};
LokiLimit limit_of(std::string_view error_text);

/// Whether it selects lines; otherwise it is a metric query.
bool is_log_query(std::string_view query);

struct LokiWindow {
  std::string query;
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0;       ///< not included
  std::int64_t most_lines = 0;  ///< the newest are read
};

struct LokiReading {
  std::int64_t lines_count = 0;
  std::int64_t requests_count = 0;
  std::optional<std::int64_t> page_limit;       ///< lines per request, as the server told
  std::optional<std::int64_t> length_limit_ns;  ///< of a window, likewise
  bool limited = false;     ///< most_lines were there before the beginning of the window
  bool stamps_cut = false;  ///< a stamp has more equal lines than the server gives
};

class Loki {
 public:
  /// `page`: lines per request; less when the server says so.
  Loki(std::string_view address, net::ClientOptions options, std::int64_t page, Session& session);

  /// Gets the new entries of a page with the streams they belong to; false stops the reading.
  using OnPage = std::function<bool(LokiAnswer& page)>;
  /// Every line of the window once. Limits that the server names are heeded.
  LokiReading read(const LokiWindow& window, const OnPage& on_page);

  /// A metric query; the step is at least that of 11,000 points.
  LokiAnswer range(const std::string& query, double from_s, double to_s, double step_s);
  /// A metric query at one time.
  LokiAnswer instant(const std::string& query, std::int64_t at_ns);
  /// Names of the labels there; empty when there are no logs.
  std::vector<std::string> labels(std::int64_t from_ns, std::int64_t to_ns);

  /// Server's clock minus ours, whole seconds.
  [[nodiscard]] std::optional<double> clock_offset_s() const { return clock_offset_s_; }
  [[nodiscard]] const std::string& address() const { return client_.address(); }
  /// curl lines that ask for the newest lines of the window, and for a range.
  [[nodiscard]] std::string repeat_line(const LokiWindow& window) const;
  [[nodiscard]] std::string range_line(const std::string& query, double from_s, double to_s,
                                       double step_s) const;
  [[nodiscard]] std::int64_t page() const { return page_; }

 private:
  using Seen = std::unordered_map<std::string, int>;  ///< lines of one stamp, with their number

  net::Response get(const net::Request& request);
  [[nodiscard]] net::Request page_request(const std::string& query, std::int64_t from_ns,
                                          std::int64_t to_ns) const;
  std::optional<LokiAnswer> ask(const std::string& query, std::int64_t from_ns, std::int64_t to_ns);
  void read_stamp(const std::string& query, std::int64_t at_ns, std::size_t depth, LokiAnswer& all);
  static void leave_out(LokiAnswer& page, std::int64_t at_ns, Seen& seen);

  net::HttpClient client_;
  Session& session_;
  std::int64_t page_;
  std::int64_t most_length_ns_;
  LokiReading reading_;
  std::optional<double> clock_offset_s_;
};

}  // namespace triage::backends
