#pragma once

/// `triage promq alerts`: what Prometheus' own rules say now, the oldest firing
/// alert first.
#include <map>
#include <string>
#include <vector>

#include "lib/probes/promq_source.h"
#include "lib/report/report.h"

namespace triage::probes::promq_alerts {

struct Options {
  promq::Source source;
  std::string match;  ///< text that a label must hold
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct AlertRow {
  std::string name;
  std::string state;
  std::string severity;
  std::string since;
  std::string summary;
  std::map<std::string, std::string> labels;
};

struct Sample {
  std::string at;
  std::string target;
  std::vector<AlertRow> alerts;
};

struct Result {
  Envelope envelope;
  std::int64_t firing_count = 0;
  std::int64_t pending_count = 0;
  std::vector<AlertRow> alerts;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const AlertRow* /*tag*/) {
  visit("name", self.name, "alertname");
  visit("state", self.state, "firing or pending");
  visit("severity", self.severity, "its label severity, or empty");
  visit("since", self.since, "RFC 3339: when its condition became true");
  visit("summary", self.summary, "its annotation");
  visit("labels", self.labels, "all of its labels");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was asked");
  visit("target", self.target, "the server");
  visit("alerts", self.alerts, "as the server lists them");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("firing_count", self.firing_count, "alerts that fire");
  visit("pending_count", self.pending_count, "alerts that wait for their time");
  visit("alerts", self.alerts, "firing first, then the oldest");
}

}  // namespace triage::probes::promq_alerts
