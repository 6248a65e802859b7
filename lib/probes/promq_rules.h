#pragma once

/// `triage promq rules-suggest [SERVICE]`: alert rules for the figures that a service, host or
/// database has, with thresholds from its own window, as a file that `promtool check rules` takes.
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/promq_preset.h"
#include "lib/report/report.h"

namespace triage::probes::promq_rules {

struct Options {
  std::string service;  ///< as in promq red; empty: also the host and PostgreSQL
  promq::Source source;
  std::string write;  ///< file for the rules; empty: they are only shown
};

struct Sample {
  std::string at;
  std::string target;
  std::string service;
  std::vector<promq_preset::Figure> figures;
  std::string repeat;
  std::vector<Gap> gaps;
};

struct Rule {
  std::string alert;
  std::string figure;
  std::string expression;  ///< with the comparison
  std::string hold;        ///< "5m"
  std::string severity;    ///< "critical" or "warning"
  double threshold = 0;
  std::optional<double> usual;  ///< median in the window
  std::string unit;
};

struct Result {
  Envelope envelope;
  std::string service;
  std::vector<Rule> rules;
  std::string rules_yaml;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);
Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was asked");
  visit("target", self.target, "the server");
  visit("service", self.service, "as given");
  visit("figures", self.figures, "what was found");
  visit("repeat", self.repeat, "curl line");
  visit("gaps", self.gaps, "what was not found");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Rule* /*tag*/) {
  visit("alert", self.alert, "name of the alert");
  visit("figure", self.figure, "what it watches");
  visit("expression", self.expression, "PromQL");
  visit("hold", self.hold, "how long it must hold");
  visit("severity", self.severity, "critical or warning");
  visit("threshold", self.threshold, "in the unit of the figure");
  visit("usual", self.usual, "median in the window");
  visit("unit", self.unit, "of threshold and usual");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("service", self.service, "as given");
  visit("rules", self.rules, "one for each figure");
  visit("rules_yaml", self.rules_yaml, "a rule file of Prometheus");
}

}  // namespace triage::probes::promq_rules
