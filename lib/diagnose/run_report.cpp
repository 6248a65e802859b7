#include "lib/diagnose/run_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/base/units.h"

namespace triage::diagnose {
namespace {

std::string joined(const std::vector<std::string>& parts, const char* between) {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string title_of(const Result& result, const std::string& probe) {
  for (const auto& one : result.probes)
    if (one.id == probe) return one.title;
  return probe;
}

std::string hypothesis_title(const Result& result, const std::string& id) {
  for (const auto& one : result.hypotheses)
    if (one.id == id) return one.title;
  return id;
}

std::string sources_of(const Result& result, const EvidenceFacts& evidence) {
  std::vector<std::string> titles;
  for (const auto& probe : evidence.probes) titles.push_back(title_of(result, probe));
  return joined(titles, ", ");
}

Section now_section(const Result& result) {
  Section section{"NOW", "(nothing was changed by this run)", {}, false};
  Items items{Items::Marker::number, {}};
  for (const auto& action : result.now) {
    Items::Item item{action.what, {}, action.command};
    std::vector<std::string> terms;
    if (!action.before.empty()) terms.push_back("first: " + action.before);
    if (!action.risk.empty()) terms.push_back("risk: " + action.risk);
    if (!action.undo.empty()) terms.push_back("undo: " + action.undo);
    if (!terms.empty()) item.notes.push_back(joined(terms, "; "));
    if (!action.verify.empty()) item.notes.push_back("check: " + action.verify);
    items.items.push_back(std::move(item));
  }
  section.blocks.emplace_back(std::move(items));
  return section;
}

Section dont_section(const Result& result) {
  Section section{"DON'T", "", {}, false};
  Items items{Items::Marker::cross, {}};
  for (const auto& dont : result.dont)
    items.items.push_back({dont.why.empty() ? dont.say : dont.say + ": " + dont.why, {}, {}});
  section.blocks.emplace_back(std::move(items));
  return section;
}

Table evidence_table(const Result& result) {
  Table table{{{"", false, false},
               {"", false, true},
               {"now", true, false},
               {"baseline", true, false},
               {"source", false, false}},
              {}};
  for (const auto& evidence : result.evidence)
    if (evidence.state == "true" && evidence.role != "risk")
      table.rows.push_back({evidence.n, evidence.say, evidence.now, evidence.baseline,
                            sources_of(result, evidence)});
  return table;
}

std::string not_checked(const Result& result) {
  std::vector<std::string> parts;
  for (const auto& probe : result.probes)
    if (probe.state != "answered") parts.push_back(fmt::format("{} ({})", probe.title, probe.why));
  for (const auto& source : result.unchecked)
    parts.push_back(fmt::format("{} ({})", source.source, source.say));
  return parts.empty() ? "nothing" : joined(parts, " . ");
}

/// "followed: latency, leak . no symptom for: fd\n", or nothing when it is one runbook.
std::string followed_text(const Result& result) {
  std::vector<std::string> with;
  std::vector<std::string> without;
  for (const auto& one : result.followed) (one.symptom ? with : without).push_back(one.runbook);
  std::string text;
  if (!with.empty()) text += "followed, since there are symptoms: " + joined(with, ", ") + "\n";
  if (!without.empty()) text += "no symptom for: " + joined(without, ", ") + "\n";
  return text;
}

std::string rests_on_text(const Result& result) {
  std::vector<std::string> parts;
  for (const auto& rest : result.rests_on) {
    const bool same = result.verdict.hypothesis && rest.hypothesis == *result.verdict.hypothesis;
    parts.push_back(fmt::format(
        "{} (without: {}{})", title_of(result, rest.probe), rest.word,
        same ? std::string() : ", " + hypothesis_title(result, rest.hypothesis) + " first"));
  }
  return parts.empty() ? "no single probe: without any one of them it stays" : joined(parts, " . ");
}

Section evidence_section(const Result& result) {
  Section section{"EVIDENCE", "", {}, false};
  Table table = evidence_table(result);
  std::vector<std::string> against;
  for (const auto& evidence : result.evidence)
    if (evidence.state == "false" && evidence.role != "risk" && !evidence.say.empty() &&
        std::find(against.begin(), against.end(), evidence.say) == against.end())
      against.push_back(evidence.say);
  const bool shown = !table.rows.empty();
  if (shown) section.blocks.emplace_back(std::move(table));
  std::string text;
  if (!against.empty())
    text += (result.verdict.hypothesis ? "against other causes: " : "checked: ") +
            joined(against, " . ") + "\n";
  if (result.verdict.runner_up && result.verdict.word != "inconclusive")
    text += "runner-up: " + result.verdict.runner_up->title + "\n";
  if (result.verdict.hypothesis && result.verdict.word != "inconclusive")
    text += "rests on: " + rests_on_text(result) + "\n";
  text += followed_text(result);
  text += "not checked: " + not_checked(result);
  section.blocks.emplace_back(Paragraph{text});
  return section;
}

Section timeline_section(const Result& result) {
  Timeline timeline;
  for (const auto& moment : result.timeline) {
    std::vector<std::string> titles;
    for (const auto& probe : moment.probes) titles.push_back(title_of(result, probe));
    // the day of the run need not be said again
    const bool same_day = moment.at.substr(0, 10) == result.at.substr(0, 10);
    timeline.moments.push_back({moment.at_s,
                                same_day ? moment.at.substr(11, 8) : moment.at.substr(0, 19),
                                moment.say, joined(titles, ", ")});
  }
  timeline.moments.push_back(
      {to_epoch_seconds(parse_rfc3339(result.at)), result.at.substr(11, 8), "this run", ""});
  return {"TIMELINE", "(UTC)", {std::move(timeline)}, false};
}

/// The pictures of each probe, with the numbers of the evidence that reads it.
Section drawings_section(const Result& result, const Collection& collection) {
  Section section{"BEHIND THE EVIDENCE", "what the probes drew", {}, true};
  for (const auto& probe : result.probes) {
    const auto step = collection.steps.find(probe.id);
    if (step == collection.steps.end() || step->second.drawings.empty()) continue;
    std::vector<std::string> numbers;
    for (const auto& evidence : result.evidence)
      if (!evidence.n.empty() && std::find(evidence.probes.begin(), evidence.probes.end(),
                                           probe.id) != evidence.probes.end())
        numbers.push_back(evidence.n);
    section.blocks.emplace_back(Paragraph{
        numbers.empty() ? probe.title : fmt::format("{}: {}", probe.title, joined(numbers, ", "))});
    section.blocks.insert(section.blocks.end(), step->second.drawings.begin(),
                          step->second.drawings.end());
  }
  return section;
}

Section bullet_section(const std::string& title, const std::vector<std::string>& texts) {
  Section section{title, "", {}, false};
  Items items;
  for (const auto& text : texts) items.items.push_back({text, {}, {}});
  section.blocks.emplace_back(std::move(items));
  return section;
}

Section settle_section(const Result& result) {
  Section section{"WOULD SETTLE IT", "", {}, false};
  Items items;
  std::vector<std::string> seen;
  for (const auto& settler : result.would_settle) {
    if (std::find(seen.begin(), seen.end(), settler.why) != seen.end()) continue;
    seen.push_back(settler.why);
    Items::Item item{settler.why, {}, {}};
    if (!settler.remedy.empty()) item.notes.push_back("remedy: " + settler.remedy);
    items.items.push_back(std::move(item));
    if (items.items.size() == 4) break;
  }
  section.blocks.emplace_back(std::move(items));
  return section;
}

Section shares_section(const Result& result) {
  Section section{"SHARES", "of all hypotheses; an order, no probability of truth", {}, true};
  Table table{{{"hypothesis", false, true}, {"share", true, false}, {"moved by", false, true}}, {}};
  for (const auto& hypothesis : result.hypotheses) {
    std::vector<std::string> moves;
    if (!hypothesis.explained_by.empty())
      moves.push_back("effect of " + hypothesis_title(result, hypothesis.explained_by) + ":");
    for (const auto& move : hypothesis.moved_by)
      moves.push_back(fmt::format("{} {:+.1f}", move.evidence, move.ln));
    table.rows.push_back(
        {hypothesis.title, fmt::format("{:.3f}", hypothesis.share), joined(moves, " ")});
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section sources_section(const Result& result) {
  Section section{"SOURCES", "each line repeats the raw answer", {}, true};
  Items items;
  for (const auto& evidence : result.evidence)
    for (const auto& source : evidence.provenance)
      if (!evidence.n.empty())
        items.items.push_back(
            {fmt::format("{}  {} at {}", evidence.n, source.source, source.at), {}, source.repeat});
  section.blocks.emplace_back(std::move(items));
  return section;
}

Severity severity_of_exit(int exit) {
  if (exit == 0) return Severity::ok;
  return exit == 1 ? Severity::crit : Severity::unknown;
}

/// What stands beside the first cause, and what it explains.
void add_other_causes(const Result& result, Report& report) {
  std::vector<std::string> explained;
  for (const auto& hypothesis : result.hypotheses) {
    if (std::find(result.co_causes.begin(), result.co_causes.end(), hypothesis.id) !=
        result.co_causes.end())
      report.lead.push_back(fmt::format("Also, and not its effect: {}{}{}", hypothesis.title,
                                        hypothesis.chain.empty() ? "" : ": ", hypothesis.chain));
    if (!hypothesis.explained_by.empty()) explained.push_back(hypothesis.title);
  }
  if (!explained.empty())
    report.lead.push_back("Explains as well: " + joined(explained, "; ") + ".");
}

void add_lead(const Result& result, Report& report) {
  const VerdictFacts& verdict = result.verdict;
  if (!verdict.capped_by.empty())
    report.lead.push_back("Capped: " + joined(verdict.capped_by, "; ") + ".");
  if (!verdict.chain.empty()) report.lead.push_back(verdict.chain);
  add_other_causes(result, report);
  if (verdict.word == "inconclusive" && verdict.hypothesis && verdict.runner_up)
    report.lead.push_back(fmt::format("Nearest: {}, then {}.",
                                      hypothesis_title(result, *verdict.hypothesis),
                                      verdict.runner_up->title));
  for (const auto& open : result.unexplained)
    report.lead.push_back("Not yet explained: " + open.say + ".");
}

}  // namespace

Report run_report(const Result& result, const Collection& collection,
                  const std::vector<Touch>& touched, const Cost& cost) {
  Report report;
  report.title = fmt::format("triage run {}  {}  {}", result.runbook.id, result.target, result.at);
  report.severity = severity_of_exit(result.exit);
  report.word = result.verdict.word;
  report.headline = result.verdict.headline;
  report.aside = fmt::format("{}, exit {}", format_duration(cost.wall_ms / 1000), result.exit);
  add_lead(result, report);
  if (!result.now.empty()) report.sections.push_back(now_section(result));
  if (!result.dont.empty()) report.sections.push_back(dont_section(result));
  report.sections.push_back(evidence_section(result));
  std::vector<std::string> risks;
  for (const auto& evidence : result.evidence)
    if (evidence.role == "risk" && evidence.state == "true")
      risks.push_back(evidence.n + "  " + evidence.say);
  if (!risks.empty()) report.sections.push_back(bullet_section("RISKS SEEN ON THE WAY", risks));
  if (!result.timeline.empty()) report.sections.push_back(timeline_section(result));
  Section drawings = drawings_section(result, collection);
  if (!drawings.blocks.empty()) report.sections.push_back(std::move(drawings));
  if (result.exit == 3 && !result.would_settle.empty())
    report.sections.push_back(settle_section(result));
  if (!result.later.empty()) report.sections.push_back(bullet_section("LATER", result.later));
  std::vector<std::string> next;
  for (const auto& open : result.unexplained)
    next.insert(next.end(), open.next.begin(), open.next.end());
  if (!next.empty()) report.sections.push_back(bullet_section("NEXT, FOR WHAT IS OPEN", next));
  if (!result.gaps.empty()) report.sections.push_back(gaps_section(result.gaps));
  report.sections.push_back(shares_section(result));
  report.sections.push_back(sources_section(result));
  report.footer = footer_of(touched, cost);
  return report;
}

}  // namespace triage::diagnose
