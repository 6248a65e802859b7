#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lib/base/json.h"
#include "lib/report/render.h"
#include "lib/report/svg.h"

namespace triage {
namespace {

bool fails(const Finding& finding, Severity from) {
  const Severity level = severity_of(finding.severity);
  if (level == Severity::unknown || from == Severity::unknown) return false;
  return level == Severity::crit || (level == Severity::warn && from != Severity::crit);
}

std::string case_of(const std::string& suite, const Finding& finding, Severity fail_from) {
  std::string out = fmt::format(R"(    <testcase classname="{}" name="{}")", escape_markup(suite),
                                escape_markup(finding.id));
  if (finding.location)
    out += fmt::format(R"( file="{}" line="{}")", escape_markup(finding.location->file),
                       finding.location->line);
  const std::string text = escape_markup(finding.text);
  if (fails(finding, fail_from))
    return out + fmt::format(">\n      <failure type=\"{}\" message=\"{}\"/>\n    </testcase>\n",
                             escape_markup(finding.severity), text);
  if (finding.severity == "unknown")
    return out + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", text);
  return out + fmt::format(">\n      <system-out>{}</system-out>\n    </testcase>\n", text);
}

const char* sarif_level(const std::string& severity) {
  if (severity == "crit") return "error";
  if (severity == "warn") return "warning";
  return severity == "info" || severity == "unknown" ? "note" : "none";
}

Json sarif_result(const Finding& finding) {
  Json result{{"ruleId", finding.id},
              {"level", sarif_level(finding.severity)},
              {"message", {{"text", finding.text}}}};
  if (!finding.location) return result;
  Json place{{"artifactLocation", {{"uri", finding.location->file}}}};
  if (finding.location->line > 0) {
    place["region"] = {{"startLine", finding.location->line}};
    if (finding.location->column > 0) place["region"]["startColumn"] = finding.location->column;
  }
  result["locations"] = Json::array({{{"physicalLocation", std::move(place)}}});
  return result;
}

}  // namespace

std::string render_junit(const Report& report, Severity fail_from) {
  const std::string suite = report.title.substr(0, report.title.find("  "));
  std::vector<Finding> findings = report.findings;
  if (findings.empty())
    findings.push_back({"verdict", std::string(name_of(report.severity)), report.headline, {}});
  std::size_t failures = 0;
  std::size_t skipped = 0;
  std::string cases;
  for (const auto& finding : findings) {
    failures += fails(finding, fail_from) ? 1 : 0;
    skipped += finding.severity == "unknown" ? 1 : 0;
    cases += case_of(suite, finding, fail_from);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" "
      "tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{}  </testsuite>\n</testsuites>\n",
      escape_markup(suite), findings.size(), failures, skipped, cases);
}

std::string render_sarif(const Report& report) {
  Json results = Json::array();
  Json rules = Json::array();
  std::vector<std::string> known;
  for (const auto& finding : report.findings) {
    results.push_back(sarif_result(finding));
    if (std::find(known.begin(), known.end(), finding.id) != known.end()) continue;
    known.push_back(finding.id);
    rules.push_back({{"id", finding.id}});
  }
  const Json document{
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs",
       Json::array({{{"tool", {{"driver", {{"name", "triage"}, {"rules", std::move(rules)}}}}},
                     {"results", std::move(results)}}})}};
  return dump_json(document, 2) + "\n";
}

}  // namespace triage
