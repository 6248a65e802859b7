#include <fmt/format.h>

#include <algorithm>

#include "lib/base/json.h"
#include "lib/diagnose/result.h"
#include "lib/probes/outcome.h"
#include "tools/recording.h"
#include "tools/run_probes.h"
#include "tools/text_commands.h"

namespace triage {
namespace {

constexpr std::size_t longest_raw = 4000;  ///< characters of raw text shown per figure

diagnose::EvidenceFacts find_evidence(const Json& document, const std::string& wanted) {
  std::vector<std::string> known;
  for (const auto& entry : document["evidence"]) {
    auto evidence = from_json<diagnose::EvidenceFacts>(entry, "evidence");
    if (evidence.n == wanted || evidence.id == wanted) return evidence;
    known.push_back(evidence.n.empty() ? evidence.id
                                       : fmt::format("{} ({})", evidence.n, evidence.id));
  }
  throw Error(ErrorCode::not_found, fmt::format("there is no evidence '{}' in this run", wanted),
              fmt::format("one of: {}", fmt::join(known, ", ")));
}

/// The value at a JSON pointer of a probe's document, as text; empty when it is not there.
std::string raw_text(const Json& document, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  if (!document.contains(place)) return {};
  std::string text = dump_json(document[place], 2);
  if (text.size() > longest_raw)
    text = text.substr(0, longest_raw) +
           fmt::format("\n... {} more characters", text.size() - longest_raw);
  return text;
}

Json raw_of(const Json& documents, const diagnose::EvidenceFacts& evidence) {
  Json raw = Json::array();
  for (const auto& source : evidence.provenance) {
    for (const auto& figure : source.figures) {
      const std::string text = raw_text(documents.value(source.probe, Json::object()), figure);
      if (!text.empty())
        raw.push_back({{"probe", source.probe}, {"figure", figure}, {"value", text}});
    }
  }
  return raw;
}

/// `triage show e4 --from run.triage`: one evidence of a recorded run with what it rests on.
class ShowCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "show"; }
  [[nodiscard]] std::string summary() const override {
    return "one evidence of a recorded run, with its raw source";
  }
  [[nodiscard]] Help help() const override {
    return {
        "Reprints one evidence of a run that was kept with triage run --record: what it says, "
        "where its figures were read and when, the line that repeats each, and the raw values.",
        {{"triage show e4 --from incident.triage", "by its number in the report"},
         {"triage show slots_full --from incident.triage", "by its name in the runbook"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"evidence", "number or name of the evidence", "EVIDENCE", {}, true, false, 0},
                  evidence_);
    visitor.visit({"from", "the recorded run", "FILE", {}, false, false, 0}, from_);
  }

  Outcome run(Session& session, const Settings& /*settings*/, Recording& /*recording*/) override {
    if (evidence_.empty() || from_.empty())
      throw Error(ErrorCode::usage, "which evidence of which run?",
                  "triage show e4 --from incident.triage");
    Replay replay(from_);
    const diagnose::RunOutcome run = replay_run(replay, nullptr);
    const auto evidence = find_evidence(run.document, evidence_);
    const Json raw = raw_of(run.document["documents"], evidence);
    Outcome outcome;
    outcome.document = {{"schema", "triage/show/1"},
                        {"at", to_rfc3339(session.clock().now())},
                        {"evidence", to_json(evidence)},
                        {"raw", raw}};
    outcome.report = report_of(evidence, raw);
    return outcome;
  }

 private:
  [[nodiscard]] Report report_of(const diagnose::EvidenceFacts& evidence, const Json& raw) const {
    Report report;
    report.title = fmt::format("triage show {} --from {}", evidence_, from_);
    report.word = evidence.state;
    report.severity = evidence.state == "unknown" ? Severity::unknown : Severity::info;
    report.headline = evidence.say.empty() ? evidence.id : evidence.say;
    if (!evidence.now.empty())
      report.lead.push_back(
          fmt::format("now {}{}", evidence.now,
                      evidence.baseline.empty() ? "" : ", baseline " + evidence.baseline));
    Section sources{"SOURCES", "each line repeats the raw answer", {}, false};
    Items items;
    for (const auto& source : evidence.provenance)
      items.items.push_back({fmt::format("{} ({}) at {}", source.source, source.probe, source.at),
                             {},
                             source.repeat});
    sources.blocks.emplace_back(std::move(items));
    report.sections.push_back(std::move(sources));
    for (const auto& part : raw)
      report.sections.push_back({part["figure"].get<std::string>(),
                                 part["probe"].get<std::string>(),
                                 {Code{part["value"].get<std::string>()}},
                                 false});
    return report;
  }

  std::string evidence_;
  std::string from_;
};

}  // namespace

Json show_schema() {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage show"},
          {"type", "object"},
          {"properties",
           {{"schema", {{"const", "triage/show/1"}}},
            {"at", {{"type", "string"}}},
            {"evidence", schema_of<diagnose::EvidenceFacts>()},
            {"raw", {{"type", "array"}}}}},
          {"required", {"schema", "at", "evidence", "raw"}}};
}

std::unique_ptr<Command> make_show_command() {
  return std::make_unique<ShowCommand>();
}

}  // namespace triage
