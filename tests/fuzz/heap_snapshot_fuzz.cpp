// A heap snapshot comes from anywhere and is often cut: it must end with a graph or an Error, and
// every index of a graph must be good.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/error.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_distances.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/heap_snapshot_parser.h"
#include "lib/v8/leak_kind.h"
#include "lib/v8/retained_tiles.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    triage::v8::HeapSnapshotParser parser(size);
    // pieces of uneven size, so that every state meets their ends
    for (std::size_t at = 0; at < size; at += 1 + at % 97)
      parser.feed(text.substr(at, std::min(1 + at % 97, size - at)));
    triage::v8::HeapSnapshot snapshot = parser.finish_cut();
    const triage::v8::HeapGraph graph(snapshot);
    (void)triage::v8::summarize_classes(graph);
    (void)triage::v8::find_duplicate_strings(snapshot);
    (void)triage::v8::find_distances(snapshot);
    (void)triage::v8::find_retained_tiles(graph, 8);
    const triage::v8::RetainingPaths paths(graph);
    const triage::v8::ScriptNames scripts(snapshot);
    std::vector<triage::v8::ObjectIds> ids(1);
    ids.emplace_back(snapshot);
    for (const auto& found : triage::v8::find_accumulators(graph, ids)) {
      const auto path = paths.to(found.node);
      (void)triage::v8::name_holder(graph, scripts, path);
      (void)triage::v8::guess_kind(
          triage::v8::gather_evidence(graph, ids.front(), found.node, path, scripts));
    }
    for (const auto node : triage::v8::find_accumulation_points(graph, 5)) (void)paths.to(node);
  } catch (const triage::Error&) {
    return 0;
  }
  return 0;
}
