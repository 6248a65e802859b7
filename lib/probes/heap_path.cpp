#include "lib/probes/heap_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_paths.h"

namespace triage::probes::heap_path {
namespace {

std::vector<v8::NodeIndex> matches(const Options& options, const v8::HeapGraph& graph) {
  const v8::HeapSnapshot& snapshot = graph.snapshot();
  const std::uint32_t id = options.id.empty() ? 0 : parse_object_id(options.id);
  std::vector<v8::NodeIndex> found;
  for (v8::NodeIndex node = 0; node < snapshot.node_count(); ++node)
    if (options.id.empty() ? v8::class_name(snapshot, node) == options.class_name
                           : snapshot.node_id[node] == id)
      found.push_back(node);
  std::stable_sort(found.begin(), found.end(), [&](v8::NodeIndex a, v8::NodeIndex b) {
    return graph.retained_size(a) > graph.retained_size(b);
  });
  return found;
}

}  // namespace

Help help() {
  return {
      "Shows through what an object of a heap snapshot is held: the shortest way from the roots, "
      "each step with the edge that leads to it (a variable, a property, an index), its class and "
      "its id. Weak references hold nothing and are not followed.",
      {{"triage heap path a.heapsnapshot --id 815", "through what object @815 is held"},
       {"triage heap path a.heapsnapshot --class Session", "the largest instances of a class"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"file", "heap snapshot", "FILE", {}, true, false, 0}, options.file);
  visitor.visit({"id", "object id, as heap show and heap diff print it", "N", {}, false, false, 0},
                options.id);
  visitor.visit({"class", "all objects of this class instead", "NAME", {}, false, false, 0},
                options.class_name);
  visitor.visit({"top", "how many objects are shown", "N", {}, false, false, 0}, options.top);
}

Sample collect(const Options& options, Session& session) {
  if (options.file.empty() || options.id.empty() == options.class_name.empty())
    throw Error(ErrorCode::usage, "heap path: needs a file and either --id or --class",
                "triage heap path Heap.heapsnapshot --id 815");
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.file = options.file;
  auto [snapshot, file_bytes] = read_snapshot(options.file, session);
  const v8::HeapGraph graph(snapshot);
  const auto found = matches(options, graph);
  if (found.empty())
    throw Error(
        ErrorCode::not_found,
        fmt::format("{} has no object {}", options.file,
                    options.id.empty() ? "of class " + options.class_name : "@" + options.id),
        "see what it has with: triage heap show " + options.file);
  sample.matches_count = signed_count(found.size());
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  const v8::RetainingPaths paths(graph);
  for (std::size_t i = 0; i < std::min(top, found.size()); ++i)
    sample.objects.push_back(
        {std::to_string(snapshot.node_id[found[i]]), v8::class_name(snapshot, found[i]),
         signed_count(graph.shallow_size(found[i])), signed_count(graph.retained_size(found[i])),
         path_texts(snapshot, paths.to(found[i]))});
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.target = sample.file;
  if (!sample.objects.empty()) {
    const PathRow& first = sample.objects.front();
    result.envelope.find("held", Severity::info,
                         fmt::format("{} @{} retains {}{}", first.class_name, first.id,
                                     format_bytes(static_cast<double>(first.retained_bytes)),
                                     first.path.empty() ? ", and nothing holds it" : ""));
  }
  const std::string what =
      options.id.empty() ? "--class '" + options.class_name + "'" : "--id " + options.id;
  result.envelope.provenance.push_back(
      {{"/matches_count", "/objects"},
       sample.file,
       sample.at,
       fmt::format("triage heap path {} {}", quoted(sample.file), what)});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& row : result.objects)
    items.items.push_back(
        {fmt::format("{} @{}: {} shallow, {} retained", row.class_name, row.id,
                     format_bytes(static_cast<double>(row.shallow_bytes)),
                     format_bytes(static_cast<double>(row.retained_bytes))),
         {row.path.empty() ? std::string("nothing holds it: it waits for the next collection")
                           : fmt::format("{}", fmt::join(row.path, " > "))},
         {}});
  return {{"HELD THROUGH",
           fmt::format("{} of {}, most retained first", result.objects.size(),
                       format_count(result.matches_count)),
           {std::move(items)},
           false}};
}

}  // namespace triage::probes::heap_path
