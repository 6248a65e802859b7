#pragma once

#include <string>

#include "lib/report/report.h"

namespace triage {

/// A plot for a terminal, at most `width` columns: title, eight rows of braille (two by four dots a
/// character), the axes with their units, a line of dots at the baseline and a mark at the onset.
/// Without a finite value: one line that says so. Ends without a newline.
std::string plot_text(const Plot& plot, std::size_t width);

/// The largest tiles as indented bars, at most twenty lines.
std::string treemap_text(const Treemap& map, std::size_t width);

/// "▁▂▅█": the values in at most `width` characters, a gap as a blank. Empty without a finite
/// value.
std::string sparkline(const std::vector<double>& values, std::size_t width);

}  // namespace triage
