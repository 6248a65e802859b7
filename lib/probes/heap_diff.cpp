#include "lib/probes/heap_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_diff.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace triage::probes::heap_diff {
namespace {

/// Below this share of the heap, or these bytes, growth is the engine's own (feedback vectors,
/// code).
constexpr double floor_ratio = 0.01;
constexpr std::int64_t floor_bytes = std::int64_t{64} * 1024;
/// A container names a leak only if most of what is new is under it.
constexpr double main_container = 0.5;
/// Growth goes on when the last interval still has this part of the median one; it settles below.
constexpr double still_growing = 0.8;
constexpr double settling = 0.5;

std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::string bytes(std::int64_t value) {
  return format_bytes(static_cast<double>(value));
}

std::vector<ClassGrowth> growth_of(const std::vector<v8::ClassSummary>& first,
                                   const std::vector<v8::ClassSummary>& last, std::size_t top) {
  std::map<std::string, ClassGrowth> rows;
  for (const auto& row : first) {
    ClassGrowth& growth = rows[row.name];
    growth.first_count = number(row.count);
    growth.first_bytes = number(row.shallow_bytes);
  }
  for (const auto& row : last) {
    ClassGrowth& growth = rows[row.name];
    growth.last_count = number(row.count);
    growth.last_bytes = number(row.shallow_bytes);
  }
  std::vector<ClassGrowth> list;
  for (auto& [name, row] : rows) {
    row.name = beginning(name);
    row.growth_bytes = row.last_bytes - row.first_bytes;
    if (row.growth_bytes != 0) list.push_back(row);
  }
  std::stable_sort(list.begin(), list.end(), [](const ClassGrowth& a, const ClassGrowth& b) {
    return a.growth_bytes > b.growth_bytes;
  });
  if (list.size() > top) list.resize(top);
  return list;
}

void add_containers(const v8::HeapGraph& last, const std::vector<v8::ObjectIds>& earlier,
                    std::size_t top, Sample& sample) {
  const auto found = v8::find_accumulators(last, earlier);
  for (const auto& one : found) sample.new_bytes += number(one.bytes);
  if (found.empty() || sample.new_bytes == 0) return;
  const v8::RetainingPaths paths(last);
  for (std::size_t i = 0; i < std::min(top, found.size()); ++i) {
    const v8::Accumulator& one = found[i];
    Container row{std::to_string(last.snapshot().node_id[one.node]),
                  v8::class_name(last.snapshot(), one.node),
                  number(one.objects),
                  number(one.bytes),
                  static_cast<double>(one.bytes) / static_cast<double>(sample.new_bytes),
                  {},
                  path_texts(last.snapshot(), paths.to(one.node))};
    for (const auto born : one.born) row.born.push_back(number(born));
    sample.containers.push_back(std::move(row));
  }
}

/// growing, warming, flat or undecided.
std::string shape_of(const Sample& sample) {
  if (!sample.id_agreement_ratio || *sample.id_agreement_ratio < v8::same_session)
    return "undecided";
  const auto total = static_cast<double>(sample.files.back().total_bytes);
  if (sample.new_bytes < floor_bytes || static_cast<double>(sample.new_bytes) < floor_ratio * total)
    return "flat";
  if (sample.containers.empty() || sample.containers.front().born.size() < 2) return "undecided";
  std::vector<std::int64_t> born = sample.containers.front().born;
  const auto last = static_cast<double>(born.back());
  std::sort(born.begin(), born.end());
  const auto median = static_cast<double>(born[born.size() / 2]);
  if (last >= still_growing * median) return "growing";
  return last < settling * median ? "warming" : "undecided";
}

void judge(Result& result) {
  Envelope& envelope = result.envelope;
  if (result.id_agreement_ratio && *result.id_agreement_ratio < v8::same_session)
    envelope.find("other_session", Severity::unknown,
                  fmt::format("only {} of the shared object ids name the same kind of object: the "
                              "snapshots are of different sessions or processes, and only the "
                              "growth by class can be compared",
                              format_ratio(*result.id_agreement_ratio)));
  if (result.containers.empty()) return;
  const Container& first = result.containers.front();
  const std::string where =
      fmt::format("{} new objects ({}, {} of all that is new) stay under {} @{}",
                  format_count(first.objects_count), bytes(first.new_bytes),
                  format_ratio(first.new_ratio), first.class_name, first.id);
  if (result.shape == "growing" && first.new_ratio >= main_container)
    envelope.find("growing", Severity::warn, where + "; the last interval added as many as before");
  else if (result.shape == "warming")
    envelope.find("warming", Severity::info, where + "; the last interval added far fewer");
  else if (result.shape == "undecided")
    envelope.find("undecided", Severity::info,
                  where + "; whether it goes on growing needs three snapshots of one session");
}

Section classes_section(const Result& result) {
  Table table{{{"class", false, true},
               {"first", true, false},
               {"last", true, false},
               {"bytes", true, false},
               {"growth", true, false}},
              {}};
  for (const auto& row : result.classes)
    table.rows.push_back({row.name, format_count(row.first_count), format_count(row.last_count),
                          bytes(row.last_bytes),
                          (row.growth_bytes < 0 ? "-" : "+") + bytes(std::abs(row.growth_bytes))});
  return {"GROWTH BY CLASS", "shallow bytes, most first", {std::move(table)}, false};
}

Section containers_section(const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& row : result.containers)
    items.items.push_back(
        {fmt::format("{} @{}: {} new objects, {} ({}), per interval {}", row.class_name, row.id,
                     format_count(row.objects_count), bytes(row.new_bytes),
                     format_ratio(row.new_ratio), fmt::join(row.born, ", ")),
         {fmt::format("{}", fmt::join(row.path, " > "))},
         {}});
  return {"WHERE NEW OBJECTS STAY", "", {std::move(items)}, false};
}

}  // namespace

Help help() {
  return {
      "Compares heap snapshots of one process, oldest first: growth by class, and the object that "
      "was there from the start under which the new ones stay, with the way to it. From three "
      "snapshots on, taken under equal load in one inspector session, it says whether that goes "
      "on (growing) or settles (warming); with two it is undecided.",
      {{"triage heap diff a.heapsnapshot b.heapsnapshot c.heapsnapshot", "is it a leak, and where"},
       {"triage heap diff a.heapsnapshot b.heapsnapshot -o json",
        "growth by class, for machines"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"files", "heap snapshots, oldest first", "FILE", {}, true, false, 0},
                options.files);
  visitor.visit({"top", "rows of each table", "N", {}, false, false, 0}, options.top);
}

Sample collect(const Options& options, Session& session) {
  if (options.files.size() < 2)
    throw Error(ErrorCode::usage, "heap diff: needs two snapshots or more",
                "oldest first: triage heap diff a.heapsnapshot b.heapsnapshot c.heapsnapshot");
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  std::vector<v8::ObjectIds> earlier;
  std::vector<v8::ClassSummary> first_classes;
  for (const auto& file : options.files) {
    session.progress("reading " + file);
    std::uint64_t size = 0;
    const v8::HeapSnapshot snapshot = v8::read_heap_snapshot(file, size);
    session.touch({"heap snapshot", file, 1, 0});
    std::uint64_t total = snapshot.extra_native_bytes;
    for (std::size_t i = 0; i < snapshot.node_count(); ++i) total += snapshot.node_size[i];
    sample.files.push_back({file, number(total), number(snapshot.node_count())});
    if (sample.files.size() == 1) first_classes = v8::count_classes(snapshot);
    if (sample.files.size() < options.files.size()) {
      earlier.emplace_back(snapshot);
      continue;
    }
    sample.classes = growth_of(first_classes, v8::count_classes(snapshot), top);
    sample.id_agreement_ratio = earlier.front().agreement(v8::ObjectIds(snapshot));
    if (*sample.id_agreement_ratio < v8::same_session) {
      for (const char* what : {"containers", "new_bytes"})
        sample.gaps.push_back({what, "malformed", "the snapshots do not share their object ids",
                               "take all of them in one inspector session of one process"});
      continue;
    }
    session.progress("finding where new objects stay");
    add_containers(v8::HeapGraph(snapshot), earlier, top, sample);
  }
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.gaps = sample.gaps;
  std::vector<std::string> files;
  for (const auto& row : sample.files) files.push_back(row.file);
  result.envelope.target = fmt::format("{}", fmt::join(files, " "));
  result.shape = shape_of(sample);
  judge(result);
  result.envelope.provenance.push_back(
      {{"/files", "/id_agreement_ratio", "/new_bytes", "/classes", "/containers"},
       result.envelope.target,
       sample.at,
       "triage heap diff " + result.envelope.target});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"snapshot", false, true}, {"bytes", true, false}, {"nodes", true, false}}, {}};
  for (const auto& row : result.files)
    table.rows.push_back({row.file, bytes(row.total_bytes), format_count(row.nodes_count)});
  std::vector<Section> all;
  all.push_back({"SNAPSHOTS", "shape: " + result.shape, {std::move(table)}, false});
  if (!result.containers.empty()) all.push_back(containers_section(result));
  if (!result.classes.empty()) all.push_back(classes_section(result));
  return all;
}

}  // namespace triage::probes::heap_diff
