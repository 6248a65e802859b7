#include "lib/probes/promq_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace triage::probes::promq_gate {

Help help() {
  return {
      "Asks for the value of an expression and fails (exit 1) when any of its "
      "series meets the "
      "condition. No data and NaN are unknown (exit 3), never a pass.",
      {{"triage promq gate 'histogram_quantile(0.99, sum by (le) "
        "(rate(x_bucket[5m])))' --fail-if "
        "'> 0.2'",
        "p99 above 200 ms fails"},
       {"triage promq gate 'up{job=\"api\"}' --fail-if '< 1' -o junit=gate.xml", "for CI"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"query", "PromQL expression", "EXPR", {}, true, false, 0}, options.query);
  visitor.visit({"fail-if",
                 "condition that fails: > >= < <= == != and a number",
                 "COND",
                 {},
                 false,
                 false,
                 0},
                options.fail_if);
  describe(options.source, visitor);
}

bool Condition::holds(double value) const {
  if (sign == ">") return value > limit;
  if (sign == ">=") return value >= limit;
  if (sign == "<") return value < limit;
  if (sign == "<=") return value <= limit;
  return sign == "==" ? value == limit : value != limit;
}

Condition parse_condition(const std::string& text) {
  constexpr std::array<std::string_view, 6> signs{">=", "<=", "==", "!=", ">", "<"};
  const auto start = std::min(text.find_first_not_of(' '), text.size());
  std::string_view rest = std::string_view(text).substr(start);
  for (const auto sign : signs) {
    if (rest.substr(0, sign.size()) != sign) continue;
    rest.remove_prefix(sign.size());
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
    Condition condition{std::string(sign), 0};
    const auto* end = rest.data() + rest.size();
    const auto parsed = std::from_chars(rest.data(), end, condition.limit);
    if (parsed.ec == std::errc() && parsed.ptr == end) return condition;
    break;
  }
  throw Error(ErrorCode::usage, fmt::format("--fail-if: '{}' is no condition", text),
              "write it as '> 0.2'");
}

Sample collect(const Options& options, Session& session) {
  if (options.query.empty())
    throw Error(ErrorCode::usage, "promq gate: no expression given", "triage promq gate 'up' ...");
  parse_condition(options.fail_if);  // a wrong one must not cost a query
  const auto window = promq::window_of(options.source, session.clock());
  auto prometheus = promq::open(options.source, session);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = prometheus.address();
  sample.repeat = prometheus.repeat_line(options.query, std::nullopt, window.to_s, 0);
  const auto answer = prometheus.instant(options.query, window.to_s);
  sample.warnings = answer.warnings;
  for (const auto& series : answer.series) {
    if (series.values.empty()) continue;
    const double value = series.values.back();
    sample.values.push_back({backends::series_name(series.labels),
                             std::isfinite(value) ? std::optional(value) : std::nullopt,
                             fmt::format("{}", value)});
  }
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  const Condition condition = parse_condition(options.fail_if);
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.condition = options.fail_if;
  for (const auto& value : sample.values) {
    // Infinity can be compared, NaN cannot.
    const bool infinite = value.text == "inf" || value.text == "-inf";
    const double number = value.value.value_or(value.text == "-inf" ? -HUGE_VAL : HUGE_VAL);
    const bool failed = (value.value || infinite) && condition.holds(number);
    result.checks.push_back({value.name, value.value, failed});
    if (failed) {
      ++result.failed_count;
      result.envelope.find("gate_failed", Severity::crit,
                           fmt::format("{} is {}: {}", value.name, value.text, options.fail_if));
    } else if (!value.value && !infinite) {
      result.envelope.find("no_number", Severity::unknown,
                           fmt::format("{} is {}: neither pass nor fail", value.name, value.text));
    }
  }
  std::stable_sort(result.checks.begin(), result.checks.end(),
                   [](const Check& a, const Check& b) { return a.failed && !b.failed; });
  if (sample.values.empty())
    result.envelope.find("no_data", Severity::unknown, "the expression has no data: not a pass");
  for (const auto& warning : sample.warnings)
    result.envelope.find("server_warning", Severity::warn, warning);
  result.envelope.provenance.push_back({{""}, sample.target, sample.at, sample.repeat});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"series", false, true}, {"value", true, false}, {"", false, false}}, {}};
  for (const auto& check : result.checks)
    table.rows.push_back({check.name,
                          check.value ? fmt::format("{:.6g}", *check.value) : "no number",
                          check.failed ? "fails" : ""});
  return {{"GATE", "fails if " + result.condition, {std::move(table)}, false}};
}

}  // namespace triage::probes::promq_gate
