#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "lib/base/json.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "tools/recording.h"
#include "tools/run_probes.h"
#include "tools/text_commands.h"

namespace triage {
namespace {

constexpr std::size_t most_figures = 400;  ///< changed figures in the document

struct FigureChange {
  std::string figure;  ///< JSON pointer
  std::string before;  ///< as JSON; empty: not there
  std::string after;
  std::optional<double> ratio;  ///< after / before, for numbers
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FigureChange* /*tag*/) {
  visit("figure", self.figure, "JSON pointer");
  visit("before", self.before, "as JSON; empty when it is not there");
  visit("after", self.after, "as JSON; empty when it is not there");
  visit("ratio", self.ratio, "after / before, for numbers");
}

/// The document of a result (-o json) or of a recorded run, which is replayed.
Json document_at(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(ErrorCode::not_found, fmt::format("{}: it cannot be read", path),
                "give two results (-o json) or two recorded runs (--record)");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.starts_with('{')) return parse_json(text, path);
  Replay replay(path);
  const Json* header = replay.kept("header");
  if (header == nullptr)
    throw Error(ErrorCode::malformed, fmt::format("{}: its header is lost", path));
  if (header->value("command", "") == "run") return replay_run(replay, nullptr).document;
  const ManualClock clock(parse_rfc3339(
      replay.kept("end") != nullptr ? replay.kept("end")->value("at", "") : std::string()));
  Session session(clock);
  const std::string command = header->value("command", "");
  const auto call = make_call(command, dump_json(header->value("options", Json::object())));
  return replay.answer(command, {}, *call, session).document;
}

/// What differs between runs of equal facts: times, what was touched and what it cost.
bool is_about_the_run(const std::string& key) {
  for (const char* name : {"at", "at_s", "touched", "cost", "provenance", "gaps", "documents",
                           "inputs", "options", "schema"})
    if (key == name) return true;
  return false;
}

void compare(const Json& before, const Json& after, const std::string& place,
             std::vector<FigureChange>& changes) {
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : before.items())
      if (!is_about_the_run(key))
        compare(value, after.contains(key) ? after[key] : Json(), place + "/" + key, changes);
    for (const auto& [key, value] : after.items())
      if (!is_about_the_run(key) && !before.contains(key))
        compare(Json(), value, place + "/" + key, changes);
    return;
  }
  // entries of lists are compared by their name, since their order says which is worse
  if (before.is_array() && after.is_array()) {
    const auto by_name = [](const Json& list) {
      Json named = Json::object();
      for (std::size_t i = 0; i < list.size(); ++i) {
        std::string name = std::to_string(i);
        if (list[i].is_object())
          for (const char* key : {"id", "name", "peer", "word", "part", "kind", "route", "path"})
            if (list[i].contains(key) && list[i][key].is_string()) {
              name = list[i][key].get<std::string>();
              break;
            }
        if (named.contains(name)) name += "#" + std::to_string(i);
        named[name] = list[i];
      }
      return named;
    };
    compare(by_name(before), by_name(after), place, changes);
    return;
  }
  if (before == after) return;
  FigureChange change{place,
                      before.is_null() ? "" : dump_json(before),
                      after.is_null() ? "" : dump_json(after),
                      {}};
  if (before.is_number() && after.is_number() && before.get<double>() != 0)
    change.ratio = after.get<double>() / before.get<double>();
  changes.push_back(std::move(change));
}

std::string verdict_line(const Json& document) {
  if (!document.contains("verdict")) return document.value("severity", "");
  return fmt::format("{}: {}", document["verdict"].value("word", ""),
                     document["verdict"].value("headline", ""));
}

/// `triage diff A B`: two results of one command.
class DiffCommand final : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "diff"; }
  [[nodiscard]] std::string summary() const override {
    return "what differs between two results or recorded runs";
  }
  [[nodiscard]] Help help() const override {
    return {
        "Compares two results of the same command, written with -o json or --record: the verdict, "
        "then each figure that differs. Entries of lists are matched by their name. Times, costs "
        "and what was touched are left out. Leaves with 1 when the verdicts differ and --fail-on "
        "is warn.",
        {{"triage diff before.triage after.triage", "two recorded runs"},
         {"triage diff monday.json today.json -o json", "two results, for a program"}}};
  }
  void describe(OptionVisitor& visitor) override {
    visitor.visit({"before", "the earlier result", "FILE", {}, true, false, 0}, before_);
    visitor.visit({"after", "the later result", "FILE", {}, true, false, 0}, after_);
    visitor.visit({"top", "figures in the text report", "N", {}, false, false, 0}, top_);
  }

  Outcome run(Session& session, const Settings& /*settings*/, Recording& /*recording*/) override {
    if (before_.empty() || after_.empty())
      throw Error(ErrorCode::usage, "which two results?", "triage diff before.triage after.triage");
    const Json before = document_at(before_);
    const Json after = document_at(after_);
    if (before.value("schema", "") != after.value("schema", ""))
      throw Error(ErrorCode::usage,
                  fmt::format("{} is {}, {} is {}", before_, before.value("schema", "?"), after_,
                              after.value("schema", "?")),
                  "compare two results of one command");
    std::vector<FigureChange> changes;
    compare(before, after, "", changes);
    const std::size_t found = changes.size();
    if (changes.size() > most_figures) changes.resize(most_figures);
    const bool same = verdict_line(before) == verdict_line(after);
    Outcome outcome;
    outcome.severity = same ? Severity::ok : Severity::warn;
    outcome.document = {{"schema", "triage/diff/1"},
                        {"at", to_rfc3339(session.clock().now())},
                        {"compared", before.value("schema", "")},
                        {"verdict_before", verdict_line(before)},
                        {"verdict_after", verdict_line(after)},
                        {"changed_count", found},
                        {"figures", to_json(changes)}};
    outcome.report = report_of(outcome.document, changes, same);
    return outcome;
  }

 private:
  [[nodiscard]] Report report_of(const Json& document, const std::vector<FigureChange>& changes,
                                 bool same) const {
    Report report;
    report.title = fmt::format("triage diff {} {}", before_, after_);
    report.severity = same ? Severity::ok : Severity::warn;
    report.word = same ? "same" : "differ";
    report.headline = same ? "both say " + document["verdict_before"].get<std::string>()
                           : "before: " + document["verdict_before"].get<std::string>();
    if (!same) report.lead.push_back("after: " + document["verdict_after"].get<std::string>());
    Table table{{{"figure", false, true},
                 {"before", true, false},
                 {"after", true, false},
                 {"ratio", true, false}},
                {}};
    const auto shorter = [](const std::string& text) {
      return text.size() > 28 ? text.substr(0, 25) + "..." : text;
    };
    for (const auto& change : changes) {
      if (table.rows.size() >= static_cast<std::size_t>(std::max<std::int64_t>(top_, 0))) break;
      table.rows.push_back({change.figure, shorter(change.before), shorter(change.after),
                            change.ratio ? fmt::format("{:.2f}", *change.ratio) : ""});
    }
    const std::string note =
        fmt::format("{} differ", document["changed_count"].get<std::int64_t>());
    report.sections.push_back({"FIGURES", note, {std::move(table)}, false});
    return report;
  }

  std::string before_;
  std::string after_;
  std::int64_t top_ = 40;
};

}  // namespace

Json diff_schema() {
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage diff"},
          {"type", "object"},
          {"properties",
           {{"schema", {{"const", "triage/diff/1"}}},
            {"at", {{"type", "string"}}},
            {"compared", {{"type", "string"}}},
            {"verdict_before", {{"type", "string"}}},
            {"verdict_after", {{"type", "string"}}},
            {"changed_count", {{"type", "integer"}}},
            {"figures", schema_of<std::vector<FigureChange>>()}}},
          {"required",
           {"schema", "at", "compared", "verdict_before", "verdict_after", "changed_count",
            "figures"}}};
}

std::unique_ptr<Command> make_diff_command() {
  return std::make_unique<DiffCommand>();
}

}  // namespace triage
