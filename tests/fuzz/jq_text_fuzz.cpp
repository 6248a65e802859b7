// jq source as it stands in a runbook: the tokenizer and its checks must end with tokens or an
// Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/diagnose/expressions.h"
#include "lib/diagnose/jq_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace triage::diagnose;  // NOLINT(google-build-using-namespace): a whole unit under
                                     // test
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto tokens = tokenize(text);
    (void)paths_of(tokens);
    (void)literal_arguments(tokens, "fact");
    refuse_raw_comparisons(tokens);
    refuse_outside(tokens);
    (void)string_literal(text);
  } catch (const triage::Error&) {
    return 0;
  }
  return 0;
}
