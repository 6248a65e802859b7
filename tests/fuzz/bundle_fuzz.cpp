#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/store/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    triage::store::parse_bundle({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const triage::Error&) {
  }
  return 0;
}
