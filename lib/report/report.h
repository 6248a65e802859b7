#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/gap.h"
#include "lib/report/flame.h"

namespace triage {

/// The document that renderers know. Probes and the runbook engine build it from their results; it
/// says nothing about width, colour or format. Texts are plain UTF-8 without control characters.
struct Paragraph {
  std::string text;  ///< wrapped by the renderer
};

/// Lines that are never wrapped: SQL, shell.
struct Code {
  std::string text;
};

struct Items {
  enum class Marker { bullet, number, cross };
  struct Item {
    std::string text;
    std::vector<std::string> notes;  ///< "risk low   undo: restore the rule", one line each
    std::string code;                ///< printed verbatim below, may have several lines
  };
  Marker marker = Marker::bullet;
  std::vector<Item> items;
};

struct Table {
  struct Column {
    std::string title;
    bool right = false;     ///< aligned to the right: numbers
    bool flexible = false;  ///< takes the width that is left and wraps
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// One or more curves over time or another quantity; renderers choose the form (braille, SVG).
struct Plot {
  struct Series {
    std::string name;
    std::vector<double> x;  ///< ascending
    std::vector<double> y;  ///< as long as x; NaN is a gap, never drawn as 0
  };
  std::string title;   ///< what is drawn: "event-loop delay p99"
  std::string unit;    ///< of y, as format_quantity() takes it
  std::string x_unit;  ///< of x; empty: seconds since 1970, shown as UTC
  std::vector<Series> series;
  std::optional<double> baseline;  ///< the usual level of y
  std::optional<double> limit;     ///< a level of y that must not be passed
  std::optional<double> onset;     ///< x at which it changed
};

/// Nested parts of a whole by size. A tile's parent stands before it.
struct Treemap {
  struct Tile {
    std::string name;
    double size = 0;  ///< of all that is below it too
    int parent = -1;  ///< index of the tile around it; -1: top level
    std::string note;
  };
  std::string title;
  std::string unit;  ///< of size
  std::vector<Tile> tiles;
};

/// What happened when, earliest first: a table, and on a page also an axis.
struct Timeline {
  struct Moment {
    double at_s = 0;   ///< seconds since 1970
    std::string time;  ///< as it is printed
    std::string text;
    std::string source;  ///< who says so, may be empty
  };
  std::vector<Moment> moments;
};

/// A FlameGraph is drawn on a page only: a terminal has the tables beside it.
using Block = std::variant<Paragraph, Code, Items, Table, Plot, Treemap, Timeline, FlameGraph>;

/// Whether the block is a picture rather than words.
bool is_drawing(const Block& block);
/// The timeline as every renderer can show it.
Table table_of(const Timeline& timeline);

struct Section {
  std::string title;  ///< "EVIDENCE"
  std::string note;   ///< behind the title, may be empty
  std::vector<Block> blocks;
  bool verbose_only = false;  ///< shown with -v; on a page folded, but for drawings
};

struct Report {
  std::string title;  ///< "triage pool  service=orders  2026-11-24 02:04:31 UTC"
  Severity severity = Severity::ok;
  std::string word;               ///< "CONFIRMED"; empty: the severity's own word
  std::string headline;           ///< the verdict in one sentence
  std::string aside;              ///< right of the verdict: "12.4 s, exit 1"
  std::vector<std::string> lead;  ///< lines below the verdict: chain, start, what is not known
  std::vector<Section> sections;
  std::vector<std::string> footer;  ///< touched, own cost
  std::vector<Finding> findings;    ///< for formats that list checks: JUnit, SARIF
};

/// NOT KNOWN: facts that are missing for the same reason share one entry.
Section gaps_section(const std::vector<Gap>& gaps);

/// Calls `change` on every text of the report, for redaction.
void for_each_text(Report& report, const std::function<void(std::string&)>& change);

/// The word in front of the headline, in capitals.
std::string verdict_word(const Report& report);

/// The lines that end each report: what was touched and what it cost.
std::vector<std::string> footer_of(const std::vector<Touch>& touched, const Cost& cost);

}  // namespace triage
