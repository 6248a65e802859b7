#include "lib/probes/heap_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_distances.h"
#include "lib/v8/heap_names.h"
#include "lib/v8/heap_strip.h"

namespace triage::probes::heap_query {
namespace {

/// What a table of 80 columns has room for.
constexpr std::size_t column_text = 24;

/// What is asked for; an empty part asks nothing.
class Question {
 public:
  Question(const Options& options, const v8::HeapGraph& graph)
      : options_(options),
        graph_(graph),
        id_(options.id.empty() ? 0 : parse_object_id(options.id)),
        least_(options.min_retained.empty() ? 0
                                            : parse_size(options.min_retained, "--min-retained")) {}

  [[nodiscard]] bool wants(v8::NodeIndex node) const {
    const v8::HeapSnapshot& snapshot = graph_.snapshot();
    if (graph_.retained_size(node) < least_) return false;
    if (!options_.id.empty() && snapshot.node_id[node] != id_) return false;
    if (!options_.class_name.empty() && v8::class_name(snapshot, node) != options_.class_name)
      return false;
    if (options_.text.empty()) return true;
    return is_text(snapshot.node_kind[node]) &&
           snapshot.string(snapshot.node_name[node]).find(options_.text) != std::string::npos;
  }

  static bool is_text(v8::NodeKind kind) {
    return kind == v8::NodeKind::string || kind == v8::NodeKind::concatenated_string ||
           kind == v8::NodeKind::sliced_string;
  }

 private:
  const Options& options_;
  const v8::HeapGraph& graph_;
  std::uint32_t id_;
  std::uint64_t least_;
};

std::vector<v8::NodeIndex> matches(const Options& options, const v8::HeapGraph& graph) {
  const Question question(options, graph);
  std::vector<v8::NodeIndex> found;
  for (v8::NodeIndex node = 1; node < graph.snapshot().node_count(); ++node)
    if (question.wants(node)) found.push_back(node);
  std::stable_sort(found.begin(), found.end(), [&](v8::NodeIndex a, v8::NodeIndex b) {
    return graph.retained_size(a) > graph.retained_size(b);
  });
  return found;
}

void add_objects(const v8::HeapGraph& graph, const std::vector<v8::NodeIndex>& found,
                 std::size_t top, Sample& sample) {
  const v8::HeapSnapshot& snapshot = graph.snapshot();
  const v8::ScriptNames scripts(snapshot);
  const auto distances = v8::find_distances(snapshot);
  for (std::size_t i = 0; i < std::min(top, found.size()); ++i) {
    const v8::NodeIndex node = found[i];
    ObjectRow row;
    row.id = std::to_string(snapshot.node_id[node]);
    row.class_name = beginning(v8::class_name(snapshot, node));
    const v8::NodeKind kind = snapshot.node_kind[node];
    if (Question::is_text(kind) || kind == v8::NodeKind::closure)
      row.text = beginning(snapshot.string(snapshot.node_name[node]));
    row.shallow_bytes = signed_count(graph.shallow_size(node));
    row.retained_bytes = signed_count(graph.retained_size(node));
    if (distances[node] < v8::system_distance) row.distance_count = distances[node];
    row.place = scripts.place_of(node);
    sample.objects.push_back(std::move(row));
  }
}

Section objects_section(const Result& result) {
  Table table{{{"object", false, true},
               {"id", true, false},
               {"shallow", true, false},
               {"retained", true, false},
               {"distance", true, false},
               {"place", false, true}},
              {}};
  for (const auto& row : result.objects)
    table.rows.push_back(
        {row.text.empty() ? row.class_name
                          : fmt::format("{} {}", row.class_name, beginning(row.text, column_text)),
         "@" + row.id, bytes_text(row.shallow_bytes), bytes_text(row.retained_bytes),
         row.distance_count ? std::to_string(*row.distance_count) : "-", row.place});
  return {"OBJECTS",
          fmt::format("{} of {}, most retained first", result.objects.size(),
                      format_count(result.matches_count)),
          {std::move(table)},
          false};
}

std::string flags_of(const Options& options) {
  std::string flags;
  for (const auto& [name, value] :
       {std::pair{"--class", &options.class_name}, std::pair{"--id", &options.id},
        std::pair{"--min-retained", &options.min_retained}, std::pair{"--text", &options.text}})
    if (!value->empty()) flags += fmt::format(" {} {}", name, quoted(*value));
  return flags;
}

}  // namespace

Help help() {
  return {
      "Lists the objects of a heap snapshot by class, id, retained size or text, largest first, "
      "with their distance from the program's globals and the place in the source; and the strings "
      "that are there several times. With --strip-strings it writes a copy that may leave the "
      "house: texts, numbers and keys are replaced, names of classes, functions, files, variables "
      "and common properties stay, and graph and sizes are the same. Which word is a name is a "
      "guess: "
      "look the copy through with --text before it leaves.",
      {{"triage heap query a.heapsnapshot --class Session --min-retained 1MB",
        "large instances of a class"},
       {"triage heap query a.heapsnapshot --text password", "strings with this text"},
       {"triage heap query a.heapsnapshot --strip-strings shared.heapsnapshot",
        "a copy without data"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"file", "heap snapshot", "FILE", {}, true, false, 0}, options.file);
  visitor.visit({"class", "only objects of this class", "NAME", {}, false, false, 0},
                options.class_name);
  visitor.visit({"id", "only the object of this id", "N", {}, false, false, 0}, options.id);
  visitor.visit({"min-retained", "only objects that retain so much", "SIZE", {}, false, false, 0},
                options.min_retained);
  visitor.visit({"text", "only strings that contain this", "TEXT", {}, false, false, 0},
                options.text);
  visitor.visit(
      {"strip-strings", "write a copy without data to this new file", "OUT", {}, false, false, 0},
      options.strip_to);
  visitor.visit({"top", "rows of each table", "N", {}, false, false, 0}, options.top);
}

Sample collect(const Options& options, Session& session) {
  if (options.file.empty())
    throw Error(ErrorCode::usage, "heap query: no file given",
                "name a snapshot: triage heap query Heap.heapsnapshot --class Session");
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.file = options.file;
  auto [snapshot, file_bytes] = read_snapshot(options.file, session);
  const v8::HeapGraph graph(snapshot);
  const auto found = matches(options, graph);
  sample.matches_count = signed_count(found.size());
  for (const auto node : found)
    sample.matches_shallow_bytes += signed_count(graph.shallow_size(node));
  add_objects(graph, found, top, sample);
  Duplicates duplicates = find_duplicates(snapshot, top);
  sample.duplicates_count = duplicates.texts_count;
  sample.duplicates_wasted_bytes = duplicates.wasted_bytes;
  sample.duplicates = std::move(duplicates.rows);
  if (!options.strip_to.empty()) {
    if (options.file == "-")
      throw Error(ErrorCode::usage, "heap query: --strip-strings reads the file twice",
                  "name the file instead of '-'");
    session.progress("writing " + options.strip_to);
    const v8::StripCount count = v8::strip_strings(snapshot, options.file, options.strip_to);
    session.touch({"new file", options.strip_to, 1, 0});
    sample.stripped_file = options.strip_to;
    sample.strings_kept_count = signed_count(count.kept);
    sample.strings_replaced_count = signed_count(count.replaced);
  }
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.target = sample.file;
  result.envelope.find(
      "found", Severity::info,
      fmt::format("{} objects with {} of their own", format_count(sample.matches_count),
                  bytes_text(sample.matches_shallow_bytes)));
  if (!sample.stripped_file.empty())
    result.envelope.find(
        "stripped", Severity::info,
        fmt::format("{} has {} strings replaced and {} names of code kept", sample.stripped_file,
                    format_count(sample.strings_replaced_count),
                    format_count(sample.strings_kept_count)));
  result.envelope.provenance.push_back(
      {{"/matches_count", "/matches_shallow_bytes", "/objects", "/duplicates_count",
        "/duplicates_wasted_bytes", "/duplicates", "/strings_kept_count",
        "/strings_replaced_count"},
       sample.file,
       sample.at,
       fmt::format("triage heap query {}{}", quoted(sample.file), flags_of(options))});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (!result.objects.empty()) all.push_back(objects_section(result));
  if (!result.duplicates.empty())
    all.push_back(duplicates_section(
        result.duplicates,
        fmt::format("{} texts, {} wasted in all", format_count(result.duplicates_count),
                    bytes_text(result.duplicates_wasted_bytes))));
  return all;
}

}  // namespace triage::probes::heap_query
