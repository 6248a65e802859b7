#pragma once

/// `triage promq rank`: which series, instances and services moved first and most; with a call
/// graph, which node causes the symptom of another (lib/stats/own_excess.h).
///
/// Without a graph a series is scored by its robust shift at the common onset, in the direction
/// that is bad for it (latency up, availability down): Pham et al., "BARO: Robust Root Cause
/// Analysis for Microservices via Multivariate Bayesian Online Change Point Detection", 2024, for
/// the score.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/promq_source.h"
#include "lib/report/report.h"

namespace triage::probes::promq_rank {

struct Options {
  std::string selector;              ///< {namespace="shop"}: all metrics of these series
  std::vector<std::string> queries;  ///< or these expressions
  promq::Source source;
  std::string csv;      ///< or a table: time and one column per series
  std::string before;   ///< a table of the healthy time, put in front
  std::string start;    ///< RFC 3339 or row:N of the CSV; empty: found
  std::string graph;    ///< CSV caller,callee; or JSON of trace deps or Jaeger
  std::string jaeger;   ///< or the server that counts the calls
  std::string symptom;  ///< METRIC:NODE
  std::string level;    ///< expression with one series per node
  std::string requests;
  std::string node_label = "service";
  double false_alarms = 0.025;
  std::int64_t top = 15;
  std::int64_t most_series = 10'000;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Call {
  std::string caller;
  std::string callee;
};

struct Sample {
  std::string at;
  std::string target;
  std::vector<promq::Curve> curves;   ///< all of the same length
  std::int64_t healthy_count = 0;     ///< values that come from --before
  std::optional<std::int64_t> start;  ///< index that was told
  std::vector<Call> graph;
  std::int64_t left_off_count = 0;
  std::vector<std::string> warnings;
  std::optional<double> clock_offset_s;
  std::string repeat;
  std::vector<Gap> gaps;
};

struct Mover {
  std::string name;
  std::string service;
  std::string instance;
  double score = 0;  ///< robust deviations in the bad direction, largest value
  double before = 0;
  double after = 0;
  std::optional<double> onset_s;
  std::optional<double> onset_from_s;
  std::optional<double> onset_to_s;
};

struct Group {
  std::string name;
  double score = 0;
  std::string first_series;
  std::int64_t moved_count = 0;
  std::string effect_of;  ///< the callee that moved as well, and not later
};

struct Cause {
  std::string node;
  double own = 0;
  double explained_ratio = 0;
  double usual_ratio = 0;
  double before = 0;
  double after = 0;
};

struct Result {
  Envelope envelope;
  std::optional<double> onset_s;
  std::optional<std::int64_t> onset_index;
  std::int64_t series_count = 0;
  std::vector<Mover> movers;
  std::vector<Group> services;
  std::vector<Group> instances;
  std::optional<double> p_value;
  std::optional<bool> incident;
  std::int64_t windows_count = 0;
  std::vector<Cause> causes;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// Who calls whom: CSV caller,callee, the document of `triage trace deps -o json`, or an answer of
/// Jaeger's /api/dependencies. Throws Error{malformed} for what is none of them.
std::vector<Call> parse_graph(std::string_view text, std::string_view where);

/// A table with a header line; the first column is the time when its name says so. Cells that are
/// empty, inf or nan are gaps. Throws Error{malformed} with the line.
std::vector<promq::Curve> parse_table(std::string_view text, std::string_view where);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Call* /*tag*/) {
  visit("caller", self.caller, "node");
  visit("callee", self.callee, "node that it calls");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "server or file");
  visit("curves", self.curves, "series");
  visit("healthy_count", self.healthy_count, "leading values that are known to be healthy");
  visit("start", self.start, "index of the start that was told");
  visit("graph", self.graph, "who calls whom");
  visit("left_off_count", self.left_off_count, "series beyond the limit");
  visit("warnings", self.warnings, "what the server says about its answers");
  visit("clock_offset_s", self.clock_offset_s, "server's clock minus ours");
  visit("repeat", self.repeat, "line that reads one of them again");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Mover* /*tag*/) {
  visit("name", self.name, "series");
  visit("service", self.service, "by its labels or the start of its name");
  visit("instance", self.instance, "by its labels; empty when none");
  visit("score", self.score, "robust deviations of the largest move in the bad direction");
  visit("before", self.before, "median before the onset");
  visit("after", self.after, "median after it");
  visit("onset_s", self.onset_s, "its own onset, seconds since 1970; null: not clear");
  visit("onset_from_s", self.onset_from_s, "95 % interval of it");
  visit("onset_to_s", self.onset_to_s, "95 % interval of it");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Group* /*tag*/) {
  visit("name", self.name, "service or instance");
  visit("score", self.score, "that of its series that moved most");
  visit("first_series", self.first_series, "that series");
  visit("moved_count", self.moved_count, "its series that moved by more than 6 deviations");
  visit("effect_of", self.effect_of, "the service behind it in the call graph that moved as well");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Cause* /*tag*/) {
  visit("node", self.node, "node of the call graph");
  visit("own", self.own, "added level x requests that its callees do not explain");
  visit("explained_ratio", self.explained_ratio, "share of the symptom that this explains");
  visit("usual_ratio", self.usual_ratio, "ordinary windows in which it added as much");
  visit("before", self.before, "usual level");
  visit("after", self.after, "level now");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("onset_s", self.onset_s, "when the series moved together, seconds since 1970");
  visit("onset_index", self.onset_index, "the same as index of the series");
  visit("series_count", self.series_count, "series that were compared");
  visit("movers", self.movers, "largest move first");
  visit("services", self.services, "largest move first");
  visit("instances", self.instances, "largest move first");
  visit("p_value", self.p_value, "share of ordinary windows as bad as this; null without a graph");
  visit("incident", self.incident, "p_value at most --false-alarms; null without a graph");
  visit("windows_count", self.windows_count, "ordinary windows it was held against");
  visit("causes", self.causes, "nodes that explain the symptom, best first");
}

}  // namespace triage::probes::promq_rank
