// Sampling heap profiles, of the inspector or of --heap-prof.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/probes/heap_sample.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    (void)triage::probes::heap_sample::sites_of(triage::parse_json(text, "profile"));
  } catch (const triage::Error&) {  // the answer to nonsense
  }
  return 0;
}
