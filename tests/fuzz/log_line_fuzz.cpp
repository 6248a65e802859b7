#include <cstddef>
#include <cstdint>

#include "lib/probes/log_line.h"

/// No line, however broken, makes the parser read outside of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = triage::probes::logs::parse_line(text, 1795521600000);
  static_cast<void>(triage::probes::logs::normalise_message(line.message));
  static_cast<void>(triage::probes::logs::normalise_route(line.method, line.route));
  return 0;
}
