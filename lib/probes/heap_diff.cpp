#include "lib/probes/heap_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "lib/base/units.h"
#include "lib/probes/heap_advice.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_diff.h"

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
/// So much of what came went in the last interval: there is a limit.
constexpr double replaced = 0.5;
/// Equal intervals from which on a table that grows is no longer taken for a cache that fills.
constexpr std::size_t cache_intervals = 3;

struct Shape {
  std::string word;
  std::string because;
};

Shape shape_of_growth(const Container& container) {
  std::vector<std::int64_t> growth =
      container.net_growth.empty() ? container.born : container.net_growth;
  if (growth.size() < 2) return {"undecided", "two snapshots show growth, not whether it goes on"};
  const auto last = static_cast<double>(growth.back());
  const std::string series = fmt::format("per interval {:+}", fmt::join(growth, ", "));
  const auto came = last + static_cast<double>(container.removed_count);
  if (came > 0 && static_cast<double>(container.removed_count) > replaced * came)
    return {"warming", fmt::format("{}; in the last one {} objects of the class went again", series,
                                   format_count(container.removed_count))};
  std::sort(growth.begin(), growth.end());
  const auto median = static_cast<double>(growth[growth.size() / 2]);
  if (last >= still_growing * median && last > 0) return {"growing", series};
  return {last < settling * median ? "warming" : "undecided", series};
}

Shape shape_of(const Sample& sample) {
  if (!sample.id_agreement_ratio || *sample.id_agreement_ratio < v8::same_session)
    return {"undecided", "the snapshots do not share their object ids"};
  const auto total = static_cast<double>(sample.files.back().total_bytes);
  if (sample.new_bytes < floor_bytes || static_cast<double>(sample.new_bytes) < floor_ratio * total)
    return {"flat", fmt::format("{} of new objects in {}", bytes_text(sample.new_bytes),
                                bytes_text(sample.files.back().total_bytes))};
  if (sample.containers.empty()) return {"undecided", "nothing new is held"};
  return shape_of_growth(sample.containers.front());
}

v8::LeakKind kind_of(const Container& container) {
  for (const auto kind : v8::all_leak_kinds())
    if (container.guess && v8::name_of(kind) == container.guess->kind) return kind;
  return v8::LeakKind::unknown;
}

/// "bus._events.tick (Array @815)" or "Array @815".
std::string holder_text(const Container& container) {
  const std::string object = fmt::format("{} @{}", container.class_name, container.id);
  return container.variable.empty() ? object : fmt::format("{} ({})", container.variable, object);
}

void judge_growing(Result& result, const std::string& where) {
  const Container& first = result.containers.front();
  const v8::LeakKind kind = kind_of(first);
  const std::size_t intervals = first.born.size();
  const bool called = !v8::may_be_cache(kind) || intervals >= cache_intervals;
  result.leak = called ? "yes" : "not_yet";
  const LeakAdvice& advice = advice_for(kind);
  result.now = advice.now;
  result.later = advice.later;
  result.dont = advice.dont;
  if (!called)
    result.now.insert(result.now.begin(),
                      "take one or two more snapshots under the same load: a cache that still "
                      "fills levels off, a leak does not; or look for its limit in the source");
  result.envelope.find(
      "growing", Severity::warn,
      called ? fmt::format("leak: {}: {}", advice.title, where)
             : fmt::format("{}: {}; {} intervals cannot tell a leak from a cache that still fills",
                           advice.title, where, intervals));
}

void judge(Result& result) {
  Envelope& envelope = result.envelope;
  result.leak = "no";
  if (result.id_agreement_ratio && *result.id_agreement_ratio < v8::same_session) {
    result.leak = "not_yet";
    envelope.find("other_session", Severity::unknown,
                  fmt::format("only {} of the shared object ids name the same kind of object: the "
                              "snapshots are of different sessions or processes, and only the "
                              "growth by class can be compared",
                              format_ratio(*result.id_agreement_ratio)));
  }
  if (result.containers.empty()) return;
  const Container& first = result.containers.front();
  const std::string where = fmt::format(
      "{} new objects ({}, {} of all that is new) stay under {}", format_count(first.objects_count),
      bytes_text(first.new_bytes), format_ratio(first.new_ratio), holder_text(first));
  if (result.shape == "growing" && first.new_ratio >= main_container)
    judge_growing(result, where);
  else if (result.shape == "warming")
    envelope.find("warming", Severity::info,
                  fmt::format("{}; {}: it settles", where, result.shape_because));
  else if (result.shape == "undecided" && first.new_ratio >= main_container) {
    result.leak = "not_yet";
    envelope.find("undecided", Severity::info,
                  where +
                      "; whether it goes on growing needs one more snapshot of this session, "
                      "under the same load");
  }
}

Section classes_section(const Result& result) {
  Table table{{{"class", false, true},
               {"first", true, false},
               {"last", true, false},
               {"bytes", true, false},
               {"growth", true, false},
               {"retained", true, false}},
              {}};
  for (const auto& row : result.classes)
    table.rows.push_back(
        {row.name, format_count(row.first_count), format_count(row.last_count),
         bytes_text(row.last_bytes),
         (row.growth_bytes < 0 ? "-" : "+") + bytes_text(std::abs(row.growth_bytes)),
         or_unknown(row.retained_bytes, bytes_text)});
  return {"GROWTH BY CLASS", "shallow bytes, most first", {std::move(table)}, false};
}

std::vector<std::string> container_notes(const Container& row) {
  std::vector<std::string> notes;
  if (row.guess)
    notes.push_back(fmt::format("kind: {} ({} sure): {}", row.guess->kind,
                                format_ratio(row.guess->confidence_ratio), row.guess->because));
  if (!row.place.empty())
    notes.push_back(fmt::format("held at {}{}", row.place,
                                row.package.empty() ? "" : ", package " + row.package));
  if (!row.members.empty()) {
    const MemberClass& main = row.members.front();
    notes.push_back(fmt::format("what stays: {} {}{}{}", format_count(main.objects_count),
                                main.name, row.member_name.empty() ? "" : " " + row.member_name,
                                row.member_place.empty() ? "" : " from " + row.member_place));
  }
  notes.push_back(fmt::format("{}", fmt::join(row.path, " > ")));
  return notes;
}

Section containers_section(const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& row : result.containers) {
    // the engine's own crumbs are of no help; -o json has them
    if (row.new_ratio < floor_ratio && !items.items.empty()) break;
    items.items.push_back(
        {fmt::format("{}: {} new objects, {} ({}), per interval {}", holder_text(row),
                     format_count(row.objects_count), bytes_text(row.new_bytes),
                     format_ratio(row.new_ratio),
                     fmt::join(row.net_growth.empty() ? row.born : row.net_growth, ", ")),
         container_notes(row),
         {}});
  }
  return {"WHERE NEW OBJECTS STAY", "", {std::move(items)}, false};
}

void add_advice(std::vector<Section>& all, const char* title, Items::Marker marker,
                const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Items items{marker, {}};
  for (const auto& text : texts) items.items.push_back({text, {}, {}});
  all.push_back({title, "", {std::move(items)}, false});
}

/// Only when there are many containers of one shape: else it repeats the list above.
void add_groups(std::vector<Section>& all, const Result& result) {
  Items items{Items::Marker::bullet, {}};
  for (const auto& row : result.groups)
    if (row.containers_count > 1 &&
        static_cast<double>(row.new_bytes) >= floor_ratio * static_cast<double>(result.new_bytes))
      items.items.push_back(
          {fmt::format("{} objects reached alike: {} new objects, {}",
                       format_count(row.containers_count), format_count(row.objects_count),
                       bytes_text(row.new_bytes)),
           {row.shape},
           {}});
  if (!items.items.empty()) all.push_back({"BY WAY", "", {std::move(items)}, false});
}

}  // namespace

Help help() {
  return {
      "Compares heap snapshots of one process, oldest first: growth by class, and the object that "
      "was there from the start under which the new ones stay, with the variable that holds it, "
      "file, line and npm package, and the kind of leak it looks like (listeners, timers, caches, "
      "closures, promises, streams, ...). From three snapshots on, taken under equal load in one "
      "inspector session, it says whether that goes on (growing) or settles (warming); with two it "
      "is undecided. A Map, Set, object or Buffer store that grows evenly is called a leak from "
      "four snapshots on: until then it may be a cache that still fills.",
      {{"triage heap diff a.heapsnapshot b.heapsnapshot c.heapsnapshot", "is it a leak, and where"},
       {"triage heap diff a.heapsnapshot.zst b.heapsnapshot.gz -o json",
        "compressed files, growth by class for machines"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"files", "heap snapshots, oldest first", "FILE", {}, true, false, 0},
                options.files);
  visitor.visit({"top", "rows of each table", "N", {}, false, false, 0}, options.top);
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.gaps = sample.gaps;
  std::vector<std::string> files;
  for (const auto& row : sample.files) files.push_back(quoted(row.file));
  result.envelope.target = fmt::format("{}", fmt::join(files, " "));
  const Shape shape = shape_of(sample);
  result.shape = shape.word;
  result.shape_because = shape.because;
  judge(result);
  result.envelope.provenance.push_back({{"/files", "/id_agreement_ratio", "/new_bytes", "/classes",
                                         "/containers", "/containers_count", "/groups"},
                                        result.envelope.target,
                                        sample.at,
                                        "triage heap diff " + result.envelope.target});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table table{{{"snapshot", false, true}, {"bytes", true, false}, {"nodes", true, false}}, {}};
  for (const auto& row : result.files)
    table.rows.push_back({row.file, bytes_text(row.total_bytes), format_count(row.nodes_count)});
  std::vector<Section> all;
  all.push_back({"SNAPSHOTS",
                 fmt::format("shape: {} ({})", result.shape, result.shape_because),
                 {std::move(table)},
                 false});
  if (!result.containers.empty()) all.push_back(containers_section(result));
  add_advice(all, "NOW", Items::Marker::number, result.now);
  add_advice(all, "LATER", Items::Marker::number, result.later);
  add_advice(all, "DON'T", Items::Marker::cross, result.dont);
  add_groups(all, result);
  if (!result.classes.empty()) all.push_back(classes_section(result));
  return all;
}

}  // namespace triage::probes::heap_diff
