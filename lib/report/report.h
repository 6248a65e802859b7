#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/gap.h"

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

using Block = std::variant<Paragraph, Code, Items, Table>;

struct Section {
  std::string title;  ///< "EVIDENCE"
  std::string note;   ///< behind the title, may be empty
  std::vector<Block> blocks;
  bool verbose_only = false;  ///< shown with -v
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
