#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/probes/log_line.h"

namespace triage::probes::logs {

constexpr std::size_t example_bytes = 200;  ///< of a line that is shown

/// Control characters would let a log line paint on the terminal.
std::string printable(std::string text);
/// At most `size` bytes; a cut inside of a UTF-8 sequence would leave half a character.
std::string cut(std::string text, std::size_t size);
/// What a line says: its error's message, else its message, else all of it.
std::string_view words_of(const LogLine& line, std::string_view text);

}  // namespace triage::probes::logs
