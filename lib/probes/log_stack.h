#pragma once

#include <string>
#include <string_view>

namespace triage::probes::logs {

/// "    at load (/srv/api/orders.js:12:5)" -> "load (/srv/api/orders.js:12:5)"; empty when the line
/// is no frame of V8, or a frame of Node.js itself or of a package below node_modules.
std::string_view own_frame(std::string_view line);

/// The first own_frame() of a stack as it stands in a JSON string: its lines end with backslash, n.
std::string_view first_own_frame(std::string_view escaped_stack);

}  // namespace triage::probes::logs
