#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "lib/base/units.h"
#include "lib/probes/heap_stat.h"
#include "lib/probes/heap_text.h"

namespace triage::probes::heap_stat {
namespace {

struct Advice {
  const char* grows;
  const char* text;
  const char* code;
};

constexpr std::array<Advice, 6> advices{{
    {"js_heap", "JavaScript objects are kept: two or three snapshots show by whom",
     "triage heap snapshot {} --allow-inspector --count 3 --every 30s"},
    {"buffers", "Buffers are kept: a snapshot shows the object that holds them",
     "triage heap snapshot {} --allow-inspector --count 3 --every 30s"},
    {"external", "memory that add-ons or external strings report grows; a snapshot names the kinds",
     "triage heap snapshot {} --allow-inspector"},
    {"native",
     "memory outside of V8 grows: a heap snapshot cannot show it. Suspect native add-ons (listed "
     "here) and the allocator; restarting with MALLOC_ARENA_MAX=2 tells fragmentation apart",
     "grep -o '/.*[.]node$' /proc/{}/maps | sort -u"},
    {"v8_pages", "whether this is garbage or kept shows a run with collections",
     "triage heap stat {} --allow-inspector --gc"},
    {"buffers_or_native", "Buffers and native memory look alike from outside; V8 knows the Buffers",
     "triage heap stat {} --allow-inspector --gc"},
}};

/// How to read the newest of them; all snapshots that one process wrote can be compared.
void add_files(const std::vector<LeftFile>& files, Items& items) {
  std::string names;
  std::size_t count = 0;
  const LeftFile* newest = nullptr;
  for (const auto& file : files) {
    if (is_profile(file.file) && file.state == "whole")
      items.items.push_back({"Node.js left a sampling profile",
                             {},
                             "triage heap sample --file " + quoted(file.file)});
    if (is_profile(file.file) || file.state == "empty") continue;
    if (newest == nullptr) newest = &file;
    if (file.of_pid == 0 || file.of_pid != newest->of_pid || file.state != "whole") continue;
    names.insert(0, " " + quoted(file.file));  // oldest first
    ++count;
  }
  if (newest == nullptr) return;
  items.items.push_back({"Node.js left a heap snapshot, " + newest->state,
                         {},
                         "triage heap show " + quoted(newest->file)});
  if (count > 1)
    items.items.push_back(
        {"what grew between those of one process", {}, "triage heap diff" + names});
}

std::optional<std::int64_t> pid_of(const LeftFile& file) {
  return file.of_pid == 0 ? std::nullopt : std::optional(file.of_pid);
}

Section files_section(const std::vector<LeftFile>& files) {
  Table table{{{"file", false, true},
               {"written", false, false},
               {"size", true, false},
               {"of pid", true, false}},
              {}};
  for (const auto& file : files)
    table.rows.push_back(
        {std::filesystem::path(file.file).filename().string() +
             (file.state == "whole" ? "" : " (" + file.state + ")"),
         fmt::format("{} {}", file.written_at.substr(5, 5), file.written_at.substr(11, 5)),
         bytes_text(file.bytes),
         file.of_target ? "this" : or_unknown(pid_of(file), [](std::int64_t pid) {
           return std::to_string(pid);
         })});
  return {"FILES OF NODE.JS", "newest first", {std::move(table)}, false};
}

std::string restarts_text(const Restarts& restarts) {
  const std::string known = restarts.count
                                ? fmt::format("{} ({})", *restarts.count, restarts.source)
                                : std::string("unknown: nobody here counts them");
  const std::string parent =
      restarts.supervisor.empty()
          ? std::string()
          : fmt::format("; parent {}, {} old", restarts.supervisor,
                        or_unknown(restarts.supervisor_age_s, format_duration));
  const std::string siblings =
      restarts.siblings_count == 0
          ? std::string()
          : fmt::format("; {} workers beside it, the oldest {} old", restarts.siblings_count,
                        or_unknown(restarts.oldest_sibling_age_s, format_duration));
  return known + parent + siblings;
}

std::string kills_text(const Bounds& bounds) {
  const auto number = [](std::int64_t count) { return format_count(count); };
  return fmt::format("{} in its group, {} in the host since boot; group at its limit {} times",
                     or_unknown(bounds.oom_kills_count, number),
                     or_unknown(bounds.host_oom_kills_count, number),
                     or_unknown(bounds.limit_hits_count, number));
}

/// Where nothing counts, the remedy is whom to ask.
Section past_section(const Result& result) {
  Items items{Items::Marker::bullet, {}};
  items.items.emplace_back(Items::Item{"restarts: " + restarts_text(result.restarts), {}, ""});
  if (!result.restarts.count)
    items.items.back().notes.emplace_back(
        "ask who starts it: kubectl get pod, docker inspect -f '{{.RestartCount}}', pm2 list");
  items.items.push_back({"OOM kills: " + kills_text(result.bounds), {}, ""});
  return {"PAST", "", {std::move(items)}, false};
}

Section next_section(const Result& result) {
  Items items{Items::Marker::number, {}};
  for (const auto& advice : advices)
    if (result.grows == advice.grows)
      items.items.push_back({advice.text, {}, fmt::format(fmt::runtime(advice.code), result.pid)});
  add_files(result.files, items);
  return {"NEXT", "", {std::move(items)}, false};
}

std::string slope_text(const Part& part) {
  if (!part.slope_bytes_per_s) return "unknown";
  const double per_minute = *part.slope_bytes_per_s * 60;
  return (per_minute < 0 ? "-" : "") + format_bytes(std::abs(per_minute));
}

std::string signed_bytes(std::int64_t bytes) {
  return (bytes < 0 ? "-" : "") + bytes_text(std::abs(bytes));
}

}  // namespace

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Table parts{{{"part", false, true},
               {"now", true, false},
               {"change", true, false},
               {"per min", true, false},
               {"shape", false, false}},
              {}};
  for (const auto& part : result.parts)
    parts.rows.push_back({part.part, bytes_text(part.now_bytes), signed_bytes(part.change_bytes),
                          slope_text(part), part.shape});
  Table limits{{{"limit", false, false},
                {"used", true, false},
                {"of", true, false},
                {"share", true, false},
                {"reached in", true, false},
                {"known from", false, true}},
               {}};
  for (const auto& limit : result.limits)
    limits.rows.push_back(
        {limit.name, bytes_text(limit.used_bytes), bytes_text(limit.max_bytes),
         format_ratio(limit.used_ratio),
         limit.reached_in_s ? format_duration(*limit.reached_in_s) : "does not grow",
         limit.source});
  const std::string age = or_unknown(result.age_s, format_duration);
  const double span = result.points.empty() ? 0 : result.points.back().at_s;
  std::vector<Section> all;
  all.push_back(
      {"MEMORY",
       fmt::format("{} readings in {}{}; started {} ago", result.points.size(),
                   format_duration(span),
                   result.garbage_collected ? ", garbage collected before each" : "", age),
       {std::move(parts)},
       false});
  all.push_back({"LIMITS", "", {std::move(limits)}, false});
  all.push_back(past_section(result));
  if (!result.files.empty()) all.push_back(files_section(result.files));
  if (Section next = next_section(result); !std::get<Items>(next.blocks.front()).items.empty())
    all.push_back(std::move(next));
  if (result.points.size() > 4) {
    Plot plot{"resident memory", "bytes", "s", {{"RSS", {}, {}}}, {}, {}, {}};
    for (const auto& point : result.points) {
      plot.series[0].x.push_back(point.at_s);
      plot.series[0].y.push_back(static_cast<double>(point.rss_bytes));
    }
    all.push_back({"CURVE", "", {std::move(plot)}, true});
  }
  return all;
}

}  // namespace triage::probes::heap_stat
