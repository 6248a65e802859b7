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

}  // namespace triage
