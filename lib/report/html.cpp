#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lib/report/render.h"
#include "lib/report/svg.h"
#include "lib/report/text_layout.h"

namespace triage {
namespace {

constexpr std::string_view style = R"(
:root{--ink:#1b1f24;--paper:#fff;--soft:#57606a;--line:#d0d7de;--shade:#f6f8fa;--crit:#b42318;
--warn:#9a6700;--ok:#1a7f37;--info:#0969da;--unknown:#8250df;--s0:#0969da;--s1:#bc4c00;--s2:#1a7f37;
--s3:#8250df;--s4:#bf3989;--s5:#57606a;--t0:#ddf4ff;--t1:#b6e3ff;--t2:#80ccff;--t3:#54aeff}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9198a1;--line:#3d444d;
--shade:#161b22;--crit:#ff7b72;--warn:#d29922;--ok:#3fb950;--info:#58a6ff;--unknown:#bc8cff;--s0:#58a6ff;
--s1:#f0883e;--s2:#3fb950;--s3:#bc8cff;--s4:#f778ba;--s5:#9198a1;--t0:#0c2d6b;--t1:#0d419d;--t2:#1158c7;
--t3:#1f6feb}}
body{color:var(--ink);background:var(--paper);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:60rem;padding:0 1rem}
header{border-left:.4rem solid var(--line);padding-left:1rem}
header p{margin:.3rem 0}
h1{font-size:1.4rem;margin:.2rem 0}
h2{font-size:1rem;letter-spacing:.04em;border-bottom:1px solid var(--line);margin:2rem 0 .6rem}
h2 small,.soft,footer{color:var(--soft);font-weight:normal;letter-spacing:0}
.crit{border-color:var(--crit)}.warn{border-color:var(--warn)}.ok{border-color:var(--ok)}
.info{border-color:var(--info)}.unknown{border-color:var(--unknown)}
.crit .word{color:var(--crit)}.warn .word{color:var(--warn)}.ok .word{color:var(--ok)}
.info .word{color:var(--info)}.unknown .word{color:var(--unknown)}
pre{background:var(--shade);padding:.6rem;overflow-x:auto;font-size:13px;white-space:pre-wrap}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
th.right,td.right{text-align:right;white-space:nowrap}
ul.cross{list-style:"\2717  "}
figure{margin:1rem 0}figcaption{color:var(--soft);font-size:13px}
svg{width:100%;height:auto}svg text{font-size:11px;fill:var(--soft)}
svg path{fill:none;stroke-width:1.5}.grid{stroke:var(--line);stroke-width:.5}
.baseline{stroke:var(--soft);stroke-dasharray:4 4}.limit{stroke:var(--crit);stroke-dasharray:8 3}
.onset{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:2 3}
path.s0{stroke:var(--s0)}path.s1{stroke:var(--s1)}path.s2{stroke:var(--s2)}path.s3{stroke:var(--s3)}
path.s4{stroke:var(--s4)}path.s5{stroke:var(--s5)}.key.s0{color:var(--s0)}.key.s1{color:var(--s1)}
.key.s2{color:var(--s2)}.key.s3{color:var(--s3)}.key.s4{color:var(--s4)}.key.s5{color:var(--s5)}
.treemap text{fill:var(--ink)}.flame text{fill:#1b1f24}
.timeline circle{fill:var(--info)}.timeline line{stroke:var(--soft)}.t0{fill:var(--t0)}.t1{fill:var(--t1)}.t2{fill:var(--t2)}.t3{fill:var(--t3)}
footer{border-top:1px solid var(--line);margin-top:2rem;font-size:13px}
@media print{body{margin:0;max-width:none}pre,figure,tr,li{break-inside:avoid}details{display:block}}
)";

std::string html_of(const Table& table) {
  std::string out = "<table>";
  std::string head;
  for (const auto& column : table.columns)
    head += fmt::format("<th{}>{}</th>", column.right ? " class=\"right\"" : "",
                        escape_markup(column.title));
  out += fmt::format("<thead><tr>{}</tr></thead><tbody>", head);
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < table.columns.size(); ++c)
      out += fmt::format("<td{}>{}</td>", table.columns[c].right ? " class=\"right\"" : "",
                         escape_markup(c < row.size() ? row[c] : ""));
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string html_of(const Items& items) {
  const char* tag = items.marker == Items::Marker::number ? "ol" : "ul";
  std::string out =
      fmt::format("<{}{}>", tag, items.marker == Items::Marker::cross ? " class=\"cross\"" : "");
  for (const auto& item : items.items) {
    out += fmt::format("<li>{}", escape_markup(item.text));
    for (const auto& note : item.notes)
      out += fmt::format("<br><span class=\"soft\">{}</span>", escape_markup(note));
    if (!item.code.empty()) out += fmt::format("<pre>{}</pre>", escape_markup(item.code));
    out += "</li>\n";
  }
  return out + fmt::format("</{}>\n", tag);
}

std::string html_of(const Block& block) {
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) {
    std::string out;
    // A line break in a paragraph is meant; the width is the reader's.
    for (const auto& line : wrap(paragraph->text, paragraph->text.size() + 1))
      out += fmt::format("<p>{}</p>\n", escape_markup(line));
    return out;
  }
  if (const auto* code = std::get_if<Code>(&block))
    return fmt::format("<pre>{}</pre>\n", escape_markup(code->text));
  if (const auto* items = std::get_if<Items>(&block)) return html_of(*items);
  if (const auto* plot = std::get_if<Plot>(&block)) return plot_svg(*plot);
  if (const auto* map = std::get_if<Treemap>(&block)) return treemap_svg(*map);
  if (const auto* timeline = std::get_if<Timeline>(&block))
    return timeline_svg(*timeline) + html_of(table_of(*timeline));
  if (const auto* graph = std::get_if<FlameGraph>(&block))
    return fmt::format("<figure class=\"flame\"><figcaption>{}</figcaption>{}</figure>\n",
                       escape_markup(graph->name), flame_svg(*graph));
  return html_of(std::get<Table>(block));
}

bool has_drawing(const Section& section) {
  return std::any_of(section.blocks.begin(), section.blocks.end(), is_drawing);
}

std::string html_of(const Section& section) {
  std::string body;
  for (const auto& block : section.blocks) body += html_of(block);
  const std::string note = section.note.empty()
                               ? std::string()
                               : fmt::format(" <small>{}</small>", escape_markup(section.note));
  // What -v adds in a terminal is folded here.
  // a drawing is what the page is opened for
  if (section.verbose_only)
    return fmt::format("<details{}><summary>{}{}</summary>{}</details>\n",
                       has_drawing(section) ? " open" : "", escape_markup(section.title), note,
                       body);
  return fmt::format("<section><h2>{}{}</h2>{}</section>\n", escape_markup(section.title), note,
                     body);
}

}  // namespace

std::string render_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title><style>{}</style></head><body>\n",
      escape_markup(report.title), style);
  out += fmt::format(
      "<header class=\"{}\"><p class=\"soft\">{}</p><h1><span class=\"word\">{}</span> "
      "{}</h1>\n",
      name_of(report.severity), escape_markup(report.title), escape_markup(verdict_word(report)),
      escape_markup(report.headline));
  for (const auto& line : report.lead) out += fmt::format("<p>{}</p>\n", escape_markup(line));
  if (!report.aside.empty())
    out += fmt::format("<p class=\"soft\">{}</p>\n", escape_markup(report.aside));
  out += "</header>\n";
  for (const auto& section : report.sections) out += html_of(section);
  out += "<footer>";
  for (const auto& line : report.footer) out += fmt::format("<p>{}</p>\n", escape_markup(line));
  return out + "</footer></body></html>\n";
}

}  // namespace triage
