// A runbook comes from a file that somebody wrote: the loader and the inspection of its jq texts
// must end with a value or an Error, whatever the bytes. libjq itself is not run: it lives in a
// child.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/diagnose/expressions.h"
#include "lib/diagnose/runbook.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto runbook = triage::diagnose::load_runbook(text, "fuzz.yaml");
    const triage::diagnose::Expressions expressions(runbook);
    (void)expressions.program([](std::size_t) { return true; });
  } catch (const triage::Error&) {
    return 0;
  }
  return 0;
}
