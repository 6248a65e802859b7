#include "lib/probes/log_stack.h"

#include <algorithm>

namespace triage::probes::logs {

std::string_view own_frame(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with("at ")) return {};
  line.remove_prefix(3);
  while (!line.empty() && (line.back() == ' ' || line.back() == '{' || line.back() == '\r'))
    line.remove_suffix(1);
  // A place in code ends with line and column; "at <anonymous>" and "(native)" do not.
  if (line.find(':') == std::string_view::npos) return {};
  for (const std::string_view foreign : {"node_modules/", "node:", "(internal/", "(native"})
    if (line.find(foreign) != std::string_view::npos) return {};
  return line.substr(0, 300);
}

std::string_view first_own_frame(std::string_view escaped_stack) {
  while (!escaped_stack.empty()) {
    const std::size_t end = std::min(escaped_stack.find("\\n"), escaped_stack.size());
    const auto frame = own_frame(escaped_stack.substr(0, end));
    if (!frame.empty()) return frame;
    escaped_stack.remove_prefix(std::min(end + 2, escaped_stack.size()));
  }
  return {};
}

}  // namespace triage::probes::logs
