#pragma once

#include <string>

#include "lib/report/report.h"

namespace triage {

struct RenderStyle {
  int width = 80;      ///< columns; lines of Code may be longer
  bool color = false;  ///< ANSI colours; the words alone carry the meaning
  int verbosity = 0;   ///< -1: title, verdict and lead only (-q); 1: verbose sections too (-v)
};

/// For a terminal. Ends with a newline.
std::string render_human(const Report& report, const RenderStyle& style);

/// GitHub-flavoured Markdown for a ticket. Ends with a newline.
std::string render_markdown(const Report& report, const RenderStyle& style);

/// One self-contained page: inline style and SVG, no network, no script; light and dark by the
/// reader's setting, and it prints.
std::string render_html(const Report& report);

/// JUnit XML: one test case per finding, in the suite of the report's title. From `fail_from` on a
/// finding is a failure; `unknown` is skipped, with its reason. Without findings one passing case.
std::string render_junit(const Report& report, Severity fail_from);

/// SARIF 2.1.0 (OASIS): one result per finding; those with a place in code carry it.
std::string render_sarif(const Report& report);

}  // namespace triage
