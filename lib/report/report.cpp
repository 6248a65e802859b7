#include "lib/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lib/base/units.h"

namespace triage {
namespace {

void change_block(Block& block, const std::function<void(std::string&)>& change) {
  if (auto* paragraph = std::get_if<Paragraph>(&block)) change(paragraph->text);
  if (auto* code = std::get_if<Code>(&block)) change(code->text);
  if (auto* items = std::get_if<Items>(&block)) {
    for (auto& item : items->items) {
      change(item.text);
      for (auto& note : item.notes) change(note);
      change(item.code);
    }
  }
  if (auto* table = std::get_if<Table>(&block))
    for (auto& row : table->rows)
      for (auto& cell : row) change(cell);
  if (auto* plot = std::get_if<Plot>(&block)) {
    change(plot->title);
    for (auto& series : plot->series) change(series.name);
  }
  if (auto* timeline = std::get_if<Timeline>(&block))
    for (auto& moment : timeline->moments) {
      change(moment.text);
      change(moment.source);
    }
  if (auto* graph = std::get_if<FlameGraph>(&block)) {
    change(graph->name);
    for (auto& node : graph->nodes) {
      change(node.name);
      change(node.file);
    }
  }
  if (auto* map = std::get_if<Treemap>(&block)) {
    change(map->title);
    for (auto& tile : map->tiles) {
      change(tile.name);
      change(tile.note);
    }
  }
}

}  // namespace

void for_each_text(Report& report, const std::function<void(std::string&)>& change) {
  for (std::string* text : {&report.title, &report.headline, &report.aside}) change(*text);
  for (auto& line : report.lead) change(line);
  for (auto& section : report.sections) {
    change(section.note);
    for (auto& block : section.blocks) change_block(block, change);
  }
  for (auto& line : report.footer) change(line);
  for (auto& finding : report.findings) change(finding.text);
}

bool is_drawing(const Block& block) {
  return std::holds_alternative<Plot>(block) || std::holds_alternative<Treemap>(block) ||
         std::holds_alternative<Timeline>(block) || std::holds_alternative<FlameGraph>(block);
}

Table table_of(const Timeline& timeline) {
  Table table{{{"", false, false}, {"", false, true}, {"source", false, false}}, {}};
  for (const auto& moment : timeline.moments)
    table.rows.push_back({moment.time, moment.text, moment.source});
  return table;
}

Section gaps_section(const std::vector<Gap>& gaps) {
  std::vector<Gap> merged;
  for (const auto& gap : gaps) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Gap& other) {
      return other.why == gap.why && other.remedy == gap.remedy;
    });
    if (same == merged.end())
      merged.push_back(gap);
    else
      same->what += ", " + gap.what;
  }
  Items items;
  for (const auto& gap : merged) {
    Items::Item item{gap.what + ": " + gap.why, {}, {}};
    if (!gap.remedy.empty()) item.notes.push_back("remedy: " + gap.remedy);
    items.items.push_back(std::move(item));
  }
  Section section{"NOT KNOWN", "", {}, false};
  section.blocks.emplace_back(std::move(items));
  return section;
}

std::string verdict_word(const Report& report) {
  std::string word = report.word.empty() ? std::string(name_of(report.severity)) : report.word;
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return word;
}

std::vector<std::string> footer_of(const std::vector<Touch>& touched, const Cost& cost) {
  std::string text = "touched: ";
  if (touched.empty()) text += "nothing";
  for (std::size_t i = 0; i < touched.size(); ++i) {
    const Touch& touch = touched[i];
    if (i > 0) text += "; ";
    text += touch.what;
    if (!touch.detail.empty()) text += " (" + touch.detail + ")";
    if (touch.count > 1) text += fmt::format(" x{}", format_count(touch.count));
    if (touch.duration_ms >= 0.05) text += ", " + format_duration(touch.duration_ms / 1000);
  }
  const bool signalled = std::any_of(touched.begin(), touched.end(), [](const Touch& touch) {
    return (touch.what + touch.detail).find("SIGUSR1") != std::string::npos;
  });
  text += signalled ? ". No other signal was sent, nothing was written to the target."
                    : ". No signal was sent, nothing was written to the target.";
  return {text, fmt::format("own cost: {} CPU, {} pause of the target, {} in all",
                            format_duration(cost.cpu_ms / 1000),
                            cost.pause_ms == 0 ? "0 ms" : format_duration(cost.pause_ms / 1000),
                            format_duration(cost.wall_ms / 1000))};
}

}  // namespace triage
