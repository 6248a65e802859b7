#include <fmt/format.h>

#include <algorithm>

#include "lib/report/plot_text.h"
#include "lib/report/render.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

/// Builds the text line by line; knows width and colour.
class Writer {
 public:
  explicit Writer(const RenderStyle& style)
      : style_(style), width_(static_cast<std::size_t>(std::max(style.width, 40))) {}

  void line(const std::string& text) { out_ += text + "\n"; }

  void wrapped(std::string_view text, std::size_t indent, std::size_t hanging) {
    const auto lines = wrap(printable(text), width_ - hanging);
    for (std::size_t i = 0; i < lines.size(); ++i)
      line(std::string(i == 0 ? indent : hanging, ' ') + lines[i]);
  }

  void marked(const std::string& mark, std::string_view text, std::size_t hanging) {
    const auto lines = wrap(printable(text), width_ - hanging);
    for (std::size_t i = 0; i < lines.size(); ++i)
      line(i == 0 ? pad("  " + mark, hanging) + lines[i] : std::string(hanging, ' ') + lines[i]);
  }

  void verbatim(std::string_view text, std::size_t indent) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      line(std::string(indent, ' ') + printable(text.substr(at, end - at)));
      at = end + 1;
    }
  }

  [[nodiscard]] std::string paint(std::string_view text, const char* code) const {
    return style_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }

  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  RenderStyle style_;
  std::size_t width_;
  std::string out_;
};

const char* color_of(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return "1;32";
    case Severity::info:
      return "1;36";
    case Severity::warn:
      return "1;33";
    case Severity::crit:
      return "1;31";
    case Severity::unknown:
      return "1;35";
  }
  return "0";
}

void write_verdict(Writer& out, const Report& report) {
  const std::string word = verdict_word(report);
  const std::size_t room = out.width() - std::min(out.width() - 20, report.aside.size() + 2);
  const std::size_t hanging = word.size() + 2;
  const auto lines = wrap(printable(report.headline), room > hanging + 20 ? room - hanging : 20);
  std::string first = pad(lines.front(), room - hanging) + (report.aside.empty() ? "" : "  ");
  if (report.aside.empty()) first = lines.front();
  out.line(out.paint(word, color_of(report.severity)) + "  " + first + report.aside);
  for (std::size_t i = 1; i < lines.size(); ++i) out.line(std::string(hanging, ' ') + lines[i]);
  for (const auto& line : report.lead) out.wrapped(line, 2, 2);
}

/// Lines of a cell. What has no blank to break at, such as a path, is broken behind a '/'.
std::vector<std::string> cell_lines(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  for (std::string line : wrap(text, width)) {
    while (display_width(line) > width) {
      std::size_t slash = line.rfind('/', width - 1);
      if (slash == std::string::npos || slash == 0) slash = line.find('/', 1);
      if (slash == std::string::npos || slash + 1 == line.size()) break;
      lines.push_back(line.substr(0, slash + 1));
      line.erase(0, slash + 1);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

/// The narrowest a column can get: a word is not broken, or with `paths` behind a '/' only.
std::size_t longest_word(const Table& table, std::size_t column, bool paths) {
  std::size_t longest = 16;
  for (const auto& row : table.rows) {
    if (column >= row.size()) continue;
    const std::string text = printable(row[column]);
    for (const auto& line : paths ? cell_lines(text, 1) : wrap(text, 1))
      longest = std::max(longest, display_width(line));
  }
  return longest;
}

std::vector<std::size_t> column_widths(const Table& table, std::size_t room) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    std::size_t width = display_width(table.columns[c].title);
    for (const auto& row : table.rows)
      if (c < row.size()) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  std::size_t total = 2 * (widths.empty() ? 0 : widths.size() - 1);
  for (const std::size_t width : widths) total += width;
  for (const bool paths : {false, true})
    for (std::size_t c = 0; c < widths.size() && total > room; ++c) {
      if (!table.columns[c].flexible) continue;
      const std::size_t least = longest_word(table, c, paths);
      const std::size_t cut = std::min(total - room, widths[c] > least ? widths[c] - least : 0);
      widths[c] -= cut;
      total -= cut;
    }
  return widths;
}

void write_row(Writer& out, const Table& table, const std::vector<std::size_t>& widths,
               const std::vector<std::string>& row) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t c = 0; c < widths.size(); ++c) {
    const std::string text = c < row.size() ? printable(row[c]) : std::string();
    cells.push_back(table.columns[c].flexible ? cell_lines(text, widths[c])
                                              : std::vector<std::string>{text});
    height = std::max(height, cells.back().size());
  }
  for (std::size_t h = 0; h < height; ++h) {
    std::string line = "  ";
    for (std::size_t c = 0; c < widths.size(); ++c) {
      const std::string cell = h < cells[c].size() ? cells[c][h] : std::string();
      line += pad(cell, widths[c], table.columns[c].right);
      if (c + 1 < widths.size()) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.line(line);
  }
}

void write_table(Writer& out, const Table& table) {
  const auto widths = column_widths(table, out.width() - 2);
  std::vector<std::string> titles;
  bool titled = false;
  for (const auto& column : table.columns) {
    titles.push_back(column.title);
    titled = titled || !column.title.empty();
  }
  if (titled) write_row(out, table, widths, titles);
  for (const auto& row : table.rows) write_row(out, table, widths, row);
}

void write_items(Writer& out, const Items& items) {
  int number = 0;
  for (const auto& item : items.items) {
    std::string mark = items.marker == Items::Marker::bullet ? "-" : "x";
    if (items.marker == Items::Marker::number) mark = std::to_string(++number);
    out.marked(mark, item.text, 5);
    for (const auto& note : item.notes) out.wrapped(note, 7, 9);
    out.verbatim(item.code, 7);
  }
}

void write_section(Writer& out, const Section& section) {
  out.line("");
  out.line(out.paint(section.title, "1") + (section.note.empty() ? "" : "  " + section.note));
  for (const auto& block : section.blocks) {
    if (const auto* paragraph = std::get_if<Paragraph>(&block)) out.wrapped(paragraph->text, 2, 2);
    if (const auto* code = std::get_if<Code>(&block)) out.verbatim(code->text, 4);
    if (const auto* items = std::get_if<Items>(&block)) write_items(out, *items);
    if (const auto* table = std::get_if<Table>(&block)) write_table(out, *table);
    if (const auto* timeline = std::get_if<Timeline>(&block)) write_table(out, table_of(*timeline));
    if (const auto* plot = std::get_if<Plot>(&block))
      out.verbatim(plot_text(*plot, out.width() - 2), 2);
    if (const auto* map = std::get_if<Treemap>(&block))
      out.verbatim(treemap_text(*map, out.width() - 2), 2);
  }
}

}  // namespace

std::string render_human(const Report& report, const RenderStyle& style) {
  Writer out(style);
  out.wrapped(report.title, 0, 2);
  if (style.verbosity >= 0) out.line("");
  write_verdict(out, report);
  if (style.verbosity < 0) return out.take();
  for (const auto& section : report.sections)
    if (!section.verbose_only || style.verbosity > 0) write_section(out, section);
  if (!report.footer.empty()) out.line("");
  for (const auto& line : report.footer) out.wrapped(line, 0, 2);
  return out.take();
}

}  // namespace triage
