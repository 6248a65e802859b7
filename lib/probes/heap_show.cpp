#include "lib/probes/heap_show.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/retained_tiles.h"

namespace triage::probes::heap_show {
namespace {

constexpr std::size_t top_tiles = 16;

void add_tiles(const v8::HeapGraph& graph, const v8::RetainingPaths& paths, Sample& sample) {
  for (const auto& tile : v8::find_retained_tiles(graph, top_tiles)) {
    const auto steps = paths.to(tile.node);
    const std::string edge = steps.empty() ? std::string() : beginning(steps.back().edge) + ": ";
    sample.tiles.push_back({std::to_string(graph.snapshot().node_id[tile.node]),
                            edge + beginning(object_name(graph.snapshot(), tile.node)),
                            signed_count(graph.retained_size(tile.node)), tile.parent});
  }
}

void add_classes(std::vector<v8::ClassSummary> classes, bool retained, std::size_t top,
                 Sample& sample) {
  sample.classes_count = signed_count(classes.size());
  std::stable_sort(
      classes.begin(), classes.end(), [](const v8::ClassSummary& a, const v8::ClassSummary& b) {
        return a.retained_bytes != b.retained_bytes ? a.retained_bytes > b.retained_bytes
                                                    : a.shallow_bytes > b.shallow_bytes;
      });
  if (classes.size() > top) classes.resize(top);
  for (const auto& row : classes) sample.classes.push_back(class_row(row, retained));
}

/// What a cut file still tells, and what it does not.
void note_cut(const v8::Cut& cut, Sample& sample) {
  sample.cut = cut.edges_whole()
                   ? fmt::format(
                         "the file ends at byte {}, after {} strings: sizes are right, "
                         "names may be missing",
                         cut.bytes, cut.strings)
                   : fmt::format(
                         "the file ends at byte {}, after {} of {} references: only counts "
                         "and own bytes by kind are known",
                         cut.bytes, cut.edges, cut.edges_of);
  const char* remedy = "take the snapshot again, or copy it whole";
  if (cut.edges_whole()) return;
  for (const char* what :
       {"holders", "duplicates", "duplicates_wasted_bytes", "tiles", "classes.retained_bytes"})
    sample.gaps.push_back(
        {what, "malformed", "the file was cut before its last reference", remedy});
}

void add_holders(const v8::HeapGraph& graph, const v8::RetainingPaths& paths, std::size_t top,
                 Sample& sample) {
  add_tiles(graph, paths, sample);
  for (const auto node : v8::find_accumulation_points(graph, top))
    sample.holders.push_back(
        {std::to_string(graph.snapshot().node_id[node]), v8::class_name(graph.snapshot(), node),
         signed_count(graph.shallow_size(node)), signed_count(graph.retained_size(node)),
         static_cast<double>(graph.retained_size(node)) / static_cast<double>(graph.total_size()),
         path_texts(graph.snapshot(), paths.to(node))});
}

Section classes_section(const Result& result) {
  return {"CLASSES",
          fmt::format("{} of {}, most retained first", result.classes.size(), result.classes_count),
          {classes_table(result.classes)},
          false};
}

Section holders_section(const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& holder : result.holders)
    items.items.push_back(
        {fmt::format("{} @{} holds {} ({})", holder.class_name, holder.id,
                     bytes_text(holder.retained_bytes), format_ratio(holder.retained_ratio)),
         {fmt::format("{}", fmt::join(holder.path, " > "))},
         {}});
  return {"WHERE MEMORY ACCUMULATES", "", {std::move(items)}, false};
}

Section tiles_section(const Result& result) {
  Treemap map{"retained bytes, nested as the dominator tree", "bytes", {}};
  for (const auto& row : result.tiles)
    map.tiles.push_back({row.name, static_cast<double>(row.retained_bytes),
                         static_cast<int>(row.parent), "@" + row.id});
  // the renderers that draw show it; as text it says little more than the list above
  return {"MAP", "", {std::move(map)}, true};
}

}  // namespace

Help help() {
  return {
      "Reads a V8 heap snapshot (.heapsnapshot) and says which classes hold how much, under which "
      "objects memory accumulates and through what they are held, and which strings are there "
      "several times. Sizes are those of Chrome DevTools: retained is what would be free without "
      "the object. One snapshot shows what is large, not what grows.",
      {{"triage heap show Heap.20261124.heapsnapshot", "what is in it"},
       {"triage heap show a.heapsnapshot --top 50 -o json", "for machines"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"file", "heap snapshot", "FILE", {}, true, false, 0}, options.file);
  visitor.visit({"top", "rows of each table", "N", {}, false, false, 0}, options.top);
}

Sample collect(const Options& options, Session& session) {
  if (options.file.empty())
    throw Error(ErrorCode::usage, "heap show: no file given",
                "name a snapshot: triage heap show Heap.heapsnapshot");
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.file = options.file;
  ReadSnapshot read = read_snapshot(options.file, session, v8::WhenCut::keep);
  v8::HeapSnapshot& snapshot = read.snapshot;
  sample.file_bytes = read.file_bytes;
  sample.nodes_count = signed_count(snapshot.node_count());
  sample.edges_count = signed_count(snapshot.edge_count());
  if (snapshot.cut) note_cut(*snapshot.cut, sample);
  if (snapshot.cut && !snapshot.cut->edges_whole()) {
    add_classes(v8::count_classes(snapshot).rows, false, top, sample);
    for (v8::NodeIndex node = 0; node < snapshot.node_count(); ++node)
      sample.total_bytes += signed_count(snapshot.node_size[node]);
    return sample;
  }
  std::optional<v8::RetainingPaths> paths;
  std::vector<v8::ObjectShape> shapes;
  const v8::HeapGraph graph(snapshot, [&](const v8::HeapGraph& unfinished) {
    paths.emplace(unfinished);
    Duplicates found = find_duplicates(snapshot, top);
    sample.duplicates_wasted_bytes = found.wasted_bytes;
    sample.duplicates = std::move(found.rows);
    shapes = v8::infer_shapes(snapshot);
  });
  sample.total_bytes = signed_count(graph.total_size() + snapshot.extra_native_bytes);
  add_classes(v8::summarize_classes(graph, v8::ClassNumbers(snapshot, shapes)), true, top, sample);
  add_holders(graph, *paths, top, sample);
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.target = sample.file;
  result.envelope.gaps = sample.gaps;
  if (!sample.cut.empty()) result.envelope.find("cut", Severity::unknown, sample.cut);
  // one snapshot cannot tell a leak from what the program needs: a fact, not a warning
  if (!sample.holders.empty()) {
    const Holder& first = sample.holders.front();
    result.envelope.find(
        "largest_holder", Severity::info,
        fmt::format("{} @{} holds {} of {} ({})", first.class_name, first.id,
                    bytes_text(first.retained_bytes), bytes_text(sample.total_bytes),
                    format_ratio(first.retained_ratio)));
  }
  result.envelope.provenance.push_back(
      {{"/file_bytes", "/nodes_count", "/edges_count", "/total_bytes", "/classes_count", "/classes",
        "/holders", "/duplicates", "/duplicates_wasted_bytes", "/tiles"},
       sample.file,
       sample.at,
       "triage heap show " + quoted(sample.file)});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  all.push_back(
      {"HEAP",
       "",
       {Paragraph{fmt::format("{} in {} nodes and {} references (file {})",
                              bytes_text(result.total_bytes), format_count(result.nodes_count),
                              format_count(result.edges_count), bytes_text(result.file_bytes))}},
       false});
  all.push_back(classes_section(result));
  if (!result.holders.empty()) all.push_back(holders_section(result));
  if (!result.tiles.empty()) all.push_back(tiles_section(result));
  if (!result.duplicates.empty())
    all.push_back(duplicates_section(
        result.duplicates, bytes_text(result.duplicates_wasted_bytes) + " wasted in all"));
  return all;
}

}  // namespace triage::probes::heap_show
