// Traces come from servers and files of any kind: they must end with spans and facts or a word,
// never a crash, and no analysis may trust an id or a time of them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/traces/clock_skew.h"
#include "lib/traces/patterns.h"
#include "lib/traces/span_reader.h"
#include "lib/traces/summarise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace triage::traces;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // pieces of uneven size, so that every token meets their ends
  triage::JsonCursor cursor([&](char* to, std::size_t room) {
    const std::size_t count = std::min({room, text.size(), 1 + text.size() % 97});
    std::copy_n(text.begin(), count, to);
    text.remove_prefix(count);
    return count;
  });
  SpanTableBuilder builder;
  SpanReader(cursor, builder).read();
  Forest forest(builder.take());
  (void)correct_clock_skew(forest);
  const CriticalPaths paths = critical_paths(forest);
  (void)entries(forest);
  (void)operations(forest, paths);
  (void)dependencies(forest);
  (void)compare_slow(forest, paths, 0);
  (void)waits(forest, paths);
  (void)failure_origins(forest);
  (void)repeated_calls(forest);
  (void)retries(forest);
  (void)sequential_calls(forest);
  return 0;
}
