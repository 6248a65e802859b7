#include "lib/probes/promq_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "lib/base/units.h"
#include "lib/report/plot_text.h"
#include "lib/stats/robust.h"

namespace triage::probes::promq_rules {
namespace {

using promq_preset::Figure;
using promq_preset::Kind;

/// Twice the usual level at least, so that a rule is quiet on the window it was made from even
/// where that is beyond the general limit.
constexpr double quiet_factor = 2;
/// A latency has no general limit: this times its median, and never below the floor.
constexpr double latency_factor = 3;
constexpr double latency_floor_s = 0.05;
constexpr double highest_ratio = 0.98;

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() &&
         std::string_view(text).substr(text.size() - end.size()) == end;
}

/// "errors (5xx)" of "orders" -> "OrdersErrors5xx"
std::string alert_name(const std::string& service, const std::string& title) {
  std::string name;
  bool start = true;
  for (const char c : service + " " + title) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || (digit && !name.empty()))
      name += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = !letter && !digit;
  }
  return name;
}

/// Two significant digits, upwards: a threshold that a person would write.
double rounded_up(double value) {
  if (!(value > 0)) return 0;
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::ceil(value / unit - 1e-9) * unit;
}

std::optional<double> usual_of(const Figure& figure) {
  std::vector<double> all;
  for (const auto& curve : figure.curves)
    for (const auto& value : curve.values)
      if (value) all.push_back(*value);
  return stats::median(all);
}

std::optional<Rule> rule_of(const Figure& figure, const std::string& service) {
  Rule rule;
  rule.usual = usual_of(figure);
  if (!rule.usual) return std::nullopt;
  rule.alert = alert_name(service, figure.title);
  rule.figure = figure.title;
  rule.unit = figure.unit;
  rule.hold = "5m";
  rule.severity = "warning";
  std::string sign = ">";
  if (figure.title == "server reachable") {
    sign = "<";
    rule.threshold = 1;
    rule.hold = "1m";
    rule.severity = "critical";
  } else if (figure.limit > 0) {
    rule.threshold = std::max(figure.limit, rounded_up(quiet_factor * *rule.usual));
    if (figure.unit == "ratio") rule.threshold = std::min(rule.threshold, highest_ratio);
  } else if (figure.unit == "s" && ends_with(figure.title, "p99")) {
    rule.threshold = rounded_up(std::max(latency_floor_s, latency_factor * *rule.usual));
  } else {
    return std::nullopt;  // more of it is not bad by itself
  }
  if (figure.title == "errors (5xx)") rule.severity = "critical";
  rule.expression = fmt::format("({}) {} {:.6g}", figure.query, sign, rule.threshold);
  return rule;
}

/// In single quotes, as YAML escapes them.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::string yaml_of(const Result& result) {
  std::string text = "groups:\n  - name: " +
                     quoted("triage " + (result.service.empty() ? "all" : result.service)) +
                     "\n    rules:\n";
  for (const auto& rule : result.rules) {
    text += fmt::format(
        "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n"
        "          severity: {}\n        annotations:\n          summary: {}\n"
        "          description: {}\n",
        rule.alert, quoted(rule.expression), rule.hold, rule.severity,
        quoted(fmt::format("{}{}: {{{{ $value | humanize }}}}", rule.figure,
                           result.service.empty() ? "" : " of " + result.service)),
        quoted(fmt::format("usually {}, alert {} {}",
                           format_quantity(rule.usual.value_or(0), rule.unit),
                           rule.expression.find(") < ") == std::string::npos ? "above" : "below",
                           format_quantity(rule.threshold, rule.unit))));
  }
  return result.rules.empty() ? std::string() : text;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream stream(path);
  if (!(stream << text) || !stream.flush())
    throw Error(ErrorCode::refused, fmt::format("--write: {} cannot be written", path),
                "name a file in a folder of yours");
}

}  // namespace

Help help() {
  return {
      "Suggests alert rules for the figures that promq red and promq saturation find for a "
      "service (without a name also those of the host and of PostgreSQL). A threshold is the "
      "general limit of the figure, or twice its median in the window where that is more; for a "
      "latency three times its median. promtool check rules takes the output.",
      {{"triage promq rules-suggest orders --since 1d --write orders-rules.yml",
        "rules from an ordinary day"},
       {"triage promq rules-suggest orders -o json | jq -r .rules_yaml", "in a pipe"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"service",
                 "value of app, service, job, container, ... or instance",
                 "NAME",
                 {},
                 true,
                 false,
                 0},
                options.service);
  visitor.visit({"write", "file for the rules", "FILE", {}, false, false, 0}, options.write);
  describe(options.source, visitor);
}

Sample collect(const Options& options, Session& session) {
  Sample sample;
  sample.service = options.service;
  std::vector<Kind> kinds{Kind::red, Kind::saturation};
  if (options.service.empty()) kinds.insert(kinds.end(), {Kind::node, Kind::postgres});
  for (const Kind kind : kinds) {
    auto part = promq_preset::collect(
        kind, promq_preset::Options{options.service, options.source, {}}, session);
    sample.at = part.at;
    sample.target = part.target;
    if (sample.repeat.empty()) sample.repeat = part.repeat;
    std::move(part.figures.begin(), part.figures.end(), std::back_inserter(sample.figures));
    std::move(part.gaps.begin(), part.gaps.end(), std::back_inserter(sample.gaps));
  }
  if (options.write.empty()) return sample;
  const std::string text = analyse(options, sample).rules_yaml;
  if (text.empty())
    throw Error(ErrorCode::not_found, "promq rules-suggest: no figure to make a rule of",
                "check the name with triage promq red, or lengthen --since");
  write_file(options.write, text);
  session.touch({"file written", options.write, 1, 0});
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.service = sample.service;
  std::set<std::string> names;
  for (const auto& figure : sample.figures) {
    auto rule = rule_of(figure, sample.service);
    if (rule && names.insert(rule->alert).second) result.rules.push_back(std::move(*rule));
  }
  result.rules_yaml = yaml_of(result);
  if (result.rules.empty())
    result.envelope.find("no_rules", Severity::unknown,
                         "no figure has data in this window: nothing to suggest");
  else
    result.envelope.find("rules", Severity::info,
                         fmt::format("{} rules; a window with an incident gives bad thresholds",
                                     result.rules.size()));
  result.envelope.provenance.push_back({{""}, "Prometheus", sample.at, sample.repeat});
  return result;
}

std::vector<Section> sections(const Options& options, const Result& result) {
  if (result.rules.empty()) return {};
  Table table{{{"figure", false, true},
               {"usual", true, false},
               {"alert at", true, false},
               {"for", false, false}},
              {}};
  for (const auto& rule : result.rules)
    table.rows.push_back(
        {rule.figure,
         or_unknown(rule.usual, [&](double value) { return format_quantity(value, rule.unit); }),
         format_quantity(rule.threshold, rule.unit), rule.hold});
  std::vector<Section> all{{"RULES", "", {std::move(table)}, false}};
  Items items;
  items.items.push_back({options.write.empty() ? "save it, then: promtool check rules FILE"
                                               : "written to " + options.write,
                         {},
                         options.write.empty() ? result.rules_yaml : ""});
  all.push_back({"FILE", "", {std::move(items)}, false});
  return all;
}

}  // namespace triage::probes::promq_rules
