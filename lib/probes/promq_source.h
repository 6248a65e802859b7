#pragma once

/// What all `triage promq` commands share: the server, the window and series as samples hold them.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/backends/prometheus.h"
#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/net/http_options.h"

namespace triage::probes::promq {

struct Source {
  std::string prometheus = "http://127.0.0.1:9090";
  net::HttpOptions http;
  std::chrono::milliseconds since{std::chrono::hours(1)};
  std::string from;                   ///< RFC 3339; empty: `to` - since
  std::string to;                     ///< RFC 3339; empty: now
  std::chrono::milliseconds step{0};  ///< 0: about 240 points, at least 5 s
};

void describe(Source& source, OptionVisitor& visitor);

struct Window {
  double from_s = 0;
  double to_s = 0;
  double step_s = 0;
};

/// Throws Error{usage} for a window without length or an unreadable time.
Window window_of(const Source& source, const Clock& clock);

backends::Prometheus open(const Source& source, Session& session);

/// A series on the grid of the window: one value per step, NaN (null in JSON) where no scrape was.
struct Curve {
  std::string name;
  std::map<std::string, std::string> labels;
  double from_s = 0;
  double step_s = 0;
  std::vector<std::optional<double>> values;
};

/// Puts a series onto the grid. A sample that the server repeats to fill a gap stays a value; where
/// it has none the grid has a gap.
Curve curve_of(const backends::TimeSeries& series, const Window& window);
/// The values with NaN for the gaps.
std::vector<double> numbers_of(const Curve& curve);

/// Names of series for a table: blanks where a line may break, and what all of them have in common
/// said once.
struct ShortNames {
  std::vector<std::string> names;  ///< in the order of the input
  std::string common;              ///< `instance="a", job="b"`, or empty
};
ShortNames short_names(const std::vector<std::string>& names);

/// A series in an earlier window of the same length.
struct Earlier {
  std::string name;    ///< of the series
  std::string offset;  ///< "24h"
  std::vector<double> values;
};

/// The durations of --baseline, which may be given several times or as "24h,7d". Throws
/// Error{usage} for what is no duration.
std::vector<std::string> offsets_of(const std::vector<std::string>& baseline);
/// The finite values of an answer about the window `offset` earlier.
std::vector<Earlier> earlier_of(const backends::QueryAnswer& answer, const std::string& offset);
/// The window so much earlier.
Window shifted(const Window& window, const std::string& offset);

/// The two bounds of a classic histogram's bucket between which a quantile was interpolated.
struct Bucket {
  double low = 0;
  std::optional<double> high;  ///< absent: +Inf, so that the quantile is "at least" `low`
};
/// The bucket of `value`, where `bounds` are the finite upper bounds, ascending; nothing without
/// any. A quantile in the +Inf bucket is given as the highest finite bound.
std::optional<Bucket> bucket_of(double value, const std::vector<double>& bounds);
/// "0.1 to 0.25", or "at least 5" for the bucket without an end.
std::string bucket_text(const Bucket& bucket);
/// Ascending finite numbers of `le` labels.
std::vector<double> bounds_of(const std::vector<std::string>& le);

/// Notes a server clock that is further off than the scrapes can be: the window then misses data.
void judge_clock(const std::optional<double>& offset_s, std::string_view server,
                 Envelope& envelope);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Bucket* /*tag*/) {
  visit("low", self.low, "lower bound");
  visit("high", self.high, "upper bound; null: the bucket has none, so the value is at least low");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Earlier* /*tag*/) {
  visit("name", self.name, "series");
  visit("offset", self.offset, "how much earlier");
  visit("values", self.values, "its values then");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Curve* /*tag*/) {
  visit("name", self.name, "as PromQL writes it");
  visit("labels", self.labels, "label -> value");
  visit("from_s", self.from_s, "time of the first value, seconds since 1970");
  visit("step_s", self.step_s, "distance of the values");
  visit("values", self.values, "one a step; null is a gap");
}

}  // namespace triage::probes::promq
