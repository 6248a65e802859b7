#pragma once

/// What all `triage promq` commands share: the server, the window and series as samples hold them.
#include <chrono>
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

/// Notes a server clock that is further off than the scrapes can be: the window then misses data.
void judge_clock(const std::optional<double>& offset_s, std::string_view server,
                 Envelope& envelope);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Curve* /*tag*/) {
  visit("name", self.name, "as PromQL writes it");
  visit("labels", self.labels, "label -> value");
  visit("from_s", self.from_s, "time of the first value, seconds since 1970");
  visit("step_s", self.step_s, "distance of the values");
  visit("values", self.values, "one a step; null is a gap");
}

}  // namespace triage::probes::promq
