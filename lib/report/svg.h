#pragma once

#include <string>

#include "lib/report/report.h"

namespace triage {

/// Drawings for an HTML page. They carry classes, not colours: the page's style decides (light,
/// dark, print). Each element has a <title>, so that a pointer shows the figures without any
/// script.
std::string plot_svg(const Plot& plot);

/// Squarified treemap (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000), two levels deep.
std::string treemap_svg(const Treemap& map);

/// An axis from the first moment to the last, a numbered dot for each.
std::string timeline_svg(const Timeline& timeline);

/// Text for HTML and XML: markup characters escaped, control characters replaced.
std::string escape_markup(std::string_view text);

}  // namespace triage
