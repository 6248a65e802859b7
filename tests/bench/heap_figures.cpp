// heap_figures FILE: for each node of a heap snapshot 24 bytes, native order: its retained size
// (u64), its shallow size as DevTools counts (u64), its distance from the roots (u32) and its
// dominator (u32). Then a line of text per class: count, shallow bytes, name.
#include <fmt/format.h>

#include <cstdio>

#include "lib/base/error.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_distances.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace {

struct Row {
  std::uint64_t retained;
  std::uint64_t shallow;
  std::uint32_t distance;
  std::uint32_t dominator;
};

void write_figures(const char* path) {
  using namespace triage::v8;  // NOLINT(google-build-using-namespace): one function
  std::uint64_t size = 0;
  HeapSnapshot snapshot = read_heap_snapshot(path, size);
  const HeapGraph graph(snapshot);
  const auto distances = find_distances(snapshot);
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    const Row row{graph.retained_size(node), graph.shallow_size(node), distances[node],
                  graph.dominator(node)};
    std::fwrite(&row, sizeof row, 1, stdout);
  }
  for (const auto& one : summarize_classes(graph))
    fmt::print("{} {} {}\n", one.count, one.shallow_bytes, one.name);
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count != 2) return 2;
    write_figures(words[1]);
    return 0;
  } catch (const triage::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 7;
  }
}
