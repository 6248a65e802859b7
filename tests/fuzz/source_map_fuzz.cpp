#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/v8/source_map.h"

namespace {

void use(std::string_view text) {
  try {
    const triage::v8::SourceMap map(text);
    for (const std::int64_t line : {1, 2, 1000}) (void)map.find(line, 5);
  } catch (const triage::Error&) {  // the answer to nonsense
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  use(text);
  // the mappings alone, so that the search does not have to find the JSON around them
  std::string quoted = R"({"sources":["a","b"],"mappings":")";
  for (const char character : text)
    if (character >= ' ' && character < 127 && character != '"' && character != '\\')
      quoted += character;
  use(quoted + "\"}");
  (void)triage::v8::decode_data_url(text);
  (void)triage::v8::resolve_source("/srv/a.js.map", text);
  return 0;
}
