#include <fmt/format.h>

#include <algorithm>

#include "lib/report/plot_text.h"
#include "lib/report/render.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

constexpr std::size_t ticket_width = 80;

/// Text from outside must not become markup: the characters that could are escaped.
std::string escape(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_<>|[]#").find(c) != std::string_view::npos) safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string fenced(std::string_view code, std::string_view indent) {
  std::string fence = "```";
  while (code.find(fence) != std::string_view::npos) fence += '`';
  std::string out = fmt::format("{}{}\n", indent, fence);
  std::size_t at = 0;
  while (at < code.size()) {
    const std::size_t end = std::min(code.find('\n', at), code.size());
    out += fmt::format("{}{}\n", indent, printable(code.substr(at, end - at)));
    at = end + 1;
  }
  return out + fmt::format("{}{}\n", indent, fence);
}

std::string markdown_of(const Table& table) {
  std::string head = "|";
  std::string rule = "|";
  for (const auto& column : table.columns) {
    head += " " + escape(column.title) + " |";
    rule += column.right ? " ---: |" : " --- |";
  }
  std::string out = head + "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (std::size_t c = 0; c < table.columns.size(); ++c)
      out += " " + escape(c < row.size() ? row[c] : "") + " |";
    out += "\n";
  }
  return out;
}

std::string markdown_of(const Items& items) {
  std::string out;
  int number = 0;
  for (const auto& item : items.items) {
    const bool numbered = items.marker == Items::Marker::number;
    out +=
        (numbered ? fmt::format("{}. ", ++number) : std::string("- ")) + escape(item.text) + "\n";
    const std::string indent = numbered ? "   " : "  ";
    for (const auto& note : item.notes) out += indent + "- " + escape(note) + "\n";
    if (!item.code.empty()) out += fenced(item.code, indent);
  }
  return out;
}

std::string markdown_of(const Block& block) {
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) return escape(paragraph->text) + "\n";
  if (const auto* code = std::get_if<Code>(&block)) return fenced(code->text, "");
  if (const auto* items = std::get_if<Items>(&block)) return markdown_of(*items);
  if (const auto* plot = std::get_if<Plot>(&block))
    return fenced(plot_text(*plot, ticket_width), "");
  if (const auto* map = std::get_if<Treemap>(&block))
    return fenced(treemap_text(*map, ticket_width), "");
  if (const auto* timeline = std::get_if<Timeline>(&block)) return markdown_of(table_of(*timeline));
  if (const auto* table = std::get_if<Table>(&block)) return markdown_of(*table);
  return {};
}

}  // namespace

std::string render_markdown(const Report& report, const RenderStyle& style) {
  const std::string word = verdict_word(report);
  std::string out = fmt::format("**{}** {}\n", word, escape(report.headline));
  if (!report.aside.empty()) out += fmt::format("({})\n", escape(report.aside));
  for (const auto& line : report.lead) out += "\n" + escape(line) + "\n";
  out += fmt::format("\n`{}`\n", printable(report.title));
  if (style.verbosity < 0) return out;
  for (const auto& section : report.sections) {
    if (section.verbose_only && style.verbosity <= 0) continue;
    out += fmt::format("\n### {}\n", escape(section.title));
    if (!section.note.empty()) out += escape(section.note) + "\n";
    for (const auto& block : section.blocks) out += "\n" + markdown_of(block);
  }
  for (const auto& line : report.footer) out += "\n" + escape(line) + "\n";
  return out;
}

}  // namespace triage
