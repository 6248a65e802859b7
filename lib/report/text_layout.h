#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace triage {

/// Columns that UTF-8 text takes on a terminal, counting each code point as one.
std::size_t display_width(std::string_view text);

/// Breaks at blanks into lines of at most `width` columns; a longer word gets a line of its own.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Pads with blanks to `width` columns, at the end or, with `right`, at the start.
std::string pad(std::string_view text, std::size_t width, bool right = false);

/// Control characters (but not newline) become '?', so that outside text cannot drive a terminal.
std::string printable(std::string_view text);

}  // namespace triage
