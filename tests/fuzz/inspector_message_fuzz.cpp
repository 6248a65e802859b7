#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/v8/inspector_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  triage::v8::snapshot_chunk(text);
  try {
    triage::v8::parse_inspector_message(text);
  } catch (const triage::Error&) {  // the answer to nonsense
  }
  return 0;
}
