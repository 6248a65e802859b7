#include "lib/probes/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/clock.h"

namespace triage::probes {
namespace {

Section findings_section(const Envelope& envelope) {
  Section section{"FINDINGS", "", {}, false};
  Items items;
  for (const auto& finding : envelope.findings)
    items.items.push_back({finding.severity + ": " + finding.text, {}, {}});
  section.blocks.emplace_back(std::move(items));
  return section;
}

Section sources_section(const Envelope& envelope) {
  Section section{"SOURCES", "each line repeats the raw answer", {}, true};
  Items items;
  for (const auto& source : envelope.provenance)
    items.items.push_back(
        {fmt::format("{} at {}: {}", source.source, source.at, fmt::join(source.figures, " ")),
         {},
         source.repeat});
  section.blocks.emplace_back(std::move(items));
  return section;
}

std::string headline_of(const Envelope& envelope) {
  if (!envelope.findings.empty() && envelope.severity != Severity::unknown)
    return envelope.findings.front().text;
  switch (envelope.severity) {
    case Severity::unknown:
      return envelope.gaps.empty() ? "not enough is known to judge"
                                   : "not enough is known: " + envelope.gaps.front().why;
    case Severity::ok:
      return "nothing wrong found";
    default:
      return envelope.findings.empty() ? "" : envelope.findings.front().text;
  }
}

}  // namespace

Json document_head(std::string_view command, const Envelope& envelope, Json options) {
  Json document = Json::object();
  document["schema"] = fmt::format("triage/{}/1", command);
  document["at"] = envelope.at;
  document["target"] = envelope.target;
  document["options"] = std::move(options);
  document["severity"] = name_of(envelope.severity);
  return document;
}

void append_tail(Json& document, const Envelope& envelope, const Session& session) {
  document["findings"] = to_json(envelope.findings);
  document["provenance"] = to_json(envelope.provenance);
  document["gaps"] = to_json(envelope.gaps);
  document["touched"] = to_json(session.touched());
  document["cost"] = to_json(session.cost());
}

void clear_unknown(Json& document, const std::vector<Gap>& gaps) {
  for (const auto& gap : gaps) {
    const auto found = document.find(gap.what);
    if (found != document.end() && found->is_array() && found->empty()) *found = nullptr;
  }
}

Json document_schema(std::string_view command, Json facts) {
  Json properties = {
      {"schema", {{"const", fmt::format("triage/{}/1", command)}}},
      {"at", {{"type", "string"}, {"description", "when the facts were read, RFC 3339 UTC"}}},
      {"target", {{"type", "string"}, {"description", "what was looked at"}}},
      {"options", {{"type", "object"}, {"description", "options as used"}}},
      {"severity", {{"enum", {"ok", "info", "warn", "crit", "unknown"}}}},
  };
  Json required = {"schema", "at", "target", "options", "severity"};
  for (const auto& [name, schema] : facts["properties"].items()) {
    properties[name] = schema;
    if (schema.value("type", Json()) == "array") properties[name]["type"] = {"array", "null"};
  }
  for (const auto& name : facts["required"]) required.push_back(name);
  properties["findings"] = schema_of<std::vector<Finding>>();
  properties["provenance"] = schema_of<std::vector<Provenance>>();
  properties["gaps"] = schema_of<std::vector<Gap>>();
  properties["touched"] = schema_of<std::vector<Touch>>();
  properties["cost"] = schema_of<Cost>();
  for (const char* name : {"findings", "provenance", "gaps", "touched", "cost"})
    required.push_back(name);
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", fmt::format("triage {}", command)},
          {"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)}};
}

Report frame_report(std::string_view command, const Envelope& envelope,
                    std::vector<Section> sections, const Session& session) {
  Report report;
  std::string words(command);  // a command of two words is the probe "heap-show"
  std::replace(words.begin(), words.end(), '-', ' ');
  report.title = fmt::format("triage {}  {}  {}", words, envelope.target, envelope.at);
  report.severity = envelope.severity;
  report.headline = headline_of(envelope);
  if (envelope.findings.size() > 1 || envelope.severity == Severity::unknown)
    if (!envelope.findings.empty()) report.sections.push_back(findings_section(envelope));
  for (auto& section : sections) report.sections.push_back(std::move(section));
  if (!envelope.gaps.empty()) report.sections.push_back(gaps_section(envelope.gaps));
  if (!envelope.provenance.empty()) report.sections.push_back(sources_section(envelope));
  report.findings = envelope.findings;
  report.footer = footer_of(session.touched(), session.cost());
  return report;
}

}  // namespace triage::probes
