#include "lib/probes/log_text.h"

namespace triage::probes::logs {

std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

std::string cut(std::string text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
  return text;
}

std::string_view words_of(const LogLine& line, std::string_view text) {
  if (!line.error.empty()) return line.error;
  return line.message.empty() ? text : line.message;
}

}  // namespace triage::probes::logs
