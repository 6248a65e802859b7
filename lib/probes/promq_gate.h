#pragma once

/// `triage promq gate 'EXPR' --fail-if '> 0.2'`: a PromQL expression as a check
/// for CI. A series that meets the condition is a critical finding (exit 1); no
/// data is unknown, never a pass.
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/promq_source.h"
#include "lib/report/report.h"

namespace triage::probes::promq_gate {

struct Options {
  std::string query;
  std::string fail_if;
  promq::Source source;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Value {
  std::string name;
  std::optional<double> value;  ///< absent: NaN or infinite, as `text` says
  std::string text;
};

struct Sample {
  std::string at;
  std::string target;
  std::vector<Value> values;
  std::vector<std::string> warnings;
  std::string repeat;
};

struct Check {
  std::string name;
  std::optional<double> value;
  bool failed = false;
};

struct Result {
  Envelope envelope;
  std::string condition;
  std::int64_t failed_count = 0;
  std::vector<Check> checks;
};

/// "> 0.2": one of > >= < <= == != and a number. Throws Error{usage}.
struct Condition {
  std::string sign;
  double limit = 0;
  [[nodiscard]] bool holds(double value) const;
};
Condition parse_condition(const std::string& text);

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Value* /*tag*/) {
  visit("name", self.name, "series");
  visit("value", self.value, "its value; null when it is no number");
  visit("text", self.text, "its value as text");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was asked");
  visit("target", self.target, "the server");
  visit("values", self.values, "series");
  visit("warnings", self.warnings, "what the server says about its answer");
  visit("repeat", self.repeat, "curl line");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Check* /*tag*/) {
  visit("name", self.name, "series");
  visit("value", self.value, "its value; null when it is no number");
  visit("failed", self.failed, "whether it meets the condition");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("condition", self.condition, "what fails the gate");
  visit("failed_count", self.failed_count, "series that meet it");
  visit("checks", self.checks, "series, failed ones first");
}

}  // namespace triage::probes::promq_gate
