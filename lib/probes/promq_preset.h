#pragma once

/// `triage promq red|saturation|node|postgres`: the usual figures of a service,
/// a host or a database, by whichever metric names are there: prom-client,
/// OpenTelemetry, cAdvisor, kube-state-metrics, node exporter, postgres
/// exporter. A figure without a metric is a gap.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/promq.h"

namespace triage::probes::promq_preset {

enum class Kind { red, saturation, node, postgres };

struct Options {
  std::string service;  ///< value of app, service, job, ... or of instance; empty: all
  promq::Source source;
  std::vector<std::string> baseline;  ///< "24h", "7d": the same window so much earlier
};

/// One figure as its query answered.
struct Figure {
  std::string title;
  std::string unit;  ///< as format_quantity() takes it
  double limit = 0;  ///< values above it are a finding; 0: none
  std::string query;
  std::vector<promq::Curve> curves;
  std::vector<promq::Earlier> earlier;
  std::vector<double> bounds;  ///< of the buckets of a quantile, in its unit
};

struct Sample {
  std::string at;
  std::string target;
  std::string service;
  double from_s = 0;
  double step_s = 0;
  std::vector<Figure> figures;
  std::optional<double> clock_offset_s;
  std::string repeat;
  std::vector<Gap> gaps;
};

struct FigureRow {
  std::string title;
  std::string unit;
  std::string query;
  promq::Row row;
};

struct Result {
  Envelope envelope;
  std::string service;
  std::vector<FigureRow> figures;
};

Help help(Kind kind);
void describe(Options& options, OptionVisitor& visitor);
Sample collect(Kind kind, const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// The query of a figure for a service, from the names that exist; empty when
/// none does.
struct Plan {
  std::string title;
  std::string unit;
  double limit = 0;
  std::string query;           ///< empty: no metric
  std::string missing;         ///< the names that were looked for
  std::vector<double> bounds;  ///< of the buckets of a quantile, in its unit
};
/// `series` are label sets with __name__ of the metrics that exist.
std::vector<Plan> plan(Kind kind, const std::vector<backends::Labels>& series,
                       const std::string& service, double step_s);

template <Kind kind>
Help help_of() {
  return help(kind);
}
template <Kind kind>
Sample collect_of(const Options& options, Session& session) {
  return collect(kind, options, session);
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Figure* /*tag*/) {
  visit("title", self.title, "what it is");
  visit("unit", self.unit, "s, bytes, ratio, count or a rate");
  visit("limit", self.limit, "values above it are a finding; 0: none");
  visit("query", self.query, "PromQL");
  visit("curves", self.curves, "its series");
  visit("earlier", self.earlier, "the same in earlier windows");
  visit("bounds", self.bounds, "upper bounds of the buckets of a quantile");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was asked");
  visit("target", self.target, "the server");
  visit("service", self.service, "service or instance, or empty");
  visit("from_s", self.from_s, "start of the window");
  visit("step_s", self.step_s, "distance of points");
  visit("figures", self.figures, "figures that have a metric");
  visit("clock_offset_s", self.clock_offset_s, "server's clock minus ours");
  visit("repeat", self.repeat, "curl line of the first");
  visit("gaps", self.gaps, "figures without a metric");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FigureRow* /*tag*/) {
  visit("title", self.title, "what it is");
  visit("unit", self.unit, "s, bytes, ratio, count or a rate");
  visit("query", self.query, "PromQL that gives it again");
  visit("row", self.row, "level, gaps and onset");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("service", self.service, "service or instance, or empty");
  visit("figures", self.figures, "in the order of the preset");
}

}  // namespace triage::probes::promq_preset
