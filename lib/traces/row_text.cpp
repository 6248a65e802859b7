#include "lib/traces/row_text.h"

#include <cctype>

namespace triage::traces {

std::string message_group(std::string_view message) {
  constexpr std::size_t longest = 200;
  std::string out;
  for (std::size_t at = 0; at < message.size() && out.size() < longest;) {
    std::size_t end = at;
    std::size_t digits = 0;
    while (end < message.size() && std::isxdigit(static_cast<unsigned char>(message[end])) != 0)
      digits += std::isdigit(static_cast<unsigned char>(message[end++])) != 0 ? 1 : 0;
    const bool id = (end - at >= 6 && digits == end - at) || (end - at >= 8 && digits >= 2);
    if (id) {
      out += '*';
    } else if (end > at) {
      out += message.substr(at, end - at);
    } else {
      out += message[end++];
    }
    at = end;
  }
  return out;
}

}  // namespace triage::traces
