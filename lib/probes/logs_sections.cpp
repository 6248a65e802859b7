#include <fmt/format.h>

#include "lib/base/units.h"
#include "lib/probes/logs.h"

namespace triage::probes::logs {
namespace {

std::string milliseconds(double value) {
  return format_duration(value / 1000);
}

Section window_section(const Result& result) {
  Section section{"WINDOW", "", {}, false};
  const std::string window =
      result.from ? fmt::format("{} to {} (the end is: {})", *result.from,
                                result.to.value_or("unknown"), result.anchor)
                  : std::string("unknown: no line has a time, the whole files are counted");
  Table table{{{"", false, false}, {"", false, true}}, {}};
  table.rows = {{"window", window},
                {"covered", or_unknown(result.window_s, format_duration) + ", before it " +
                                or_unknown(result.baseline_s, format_duration)},
                {"lines", fmt::format("{} in the window, {} in all, {}",
                                      format_count(result.window_lines_count),
                                      format_count(result.lines_count),
                                      format_bytes(static_cast<double>(result.bytes)))},
                {"levels", fmt::format("{} error, {} warn", format_count(result.levels.error_count),
                                       format_count(result.levels.warn_count)) +
                               (result.baseline_levels
                                    ? fmt::format("; before {} error, {} warn",
                                                  format_count(result.baseline_levels->error_count),
                                                  format_count(result.baseline_levels->warn_count))
                                    : std::string("; before unknown"))},
                {"with a time", or_unknown(result.parsed_ratio, format_ratio) + " of the lines"}};
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section server_section(const ServerFacts& server) {
  Table table{{{"", false, false}, {"", false, true}}, {}};
  table.rows = {
      {"query", server.query},
      {"lines", fmt::format("{} in {} requests; Loki itself counts {}",
                            format_count(server.lines_count), format_count(server.requests_count),
                            or_unknown(server.counted_count, format_count))}};
  std::string limits;
  if (server.page_limit_count)
    limits = fmt::format("{} lines a request", format_count(*server.page_limit_count));
  if (server.window_limit_s)
    limits += (limits.empty() ? "" : ", ") +
              fmt::format("{} a request", format_duration(*server.window_limit_s));
  if (!limits.empty()) table.rows.push_back({"its limits", limits + ", as it told; heeded"});
  return {"LOKI", server.address, {std::move(table)}, false};
}

std::vector<Section> series_sections(const Result& result) {
  promq::Result series;
  series.from_s = result.from_s.value_or(0);
  series.step_s = result.step_s.value_or(0);
  return promq::curve_sections(result.series, series);
}

Section signatures_section(const Result& result) {
  Section section{"SIGNATURES", "known texts, lines in the window", {}, false};
  if (result.signatures.empty()) {
    section.blocks.emplace_back(Paragraph{"none of the known texts occurs in the window"});
    return section;
  }
  Table table{{{"signature", false, false},
               {"count", true, false},
               {"before", true, false},
               {"first", false, false},
               {"means", false, true}},
              {}};
  for (const auto& [id, hit] : result.signatures)
    table.rows.push_back({id, format_count(hit.count), or_unknown(hit.baseline_count, format_count),
                          hit.first ? hit.first->substr(11, 8) : "unknown", hit.meaning});
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section requests_section(const Requests& requests) {
  Section section{"REQUESTS", "from JSON request lines; worst route first", {}, false};
  Table table{{{"route", false, true},
               {"count", true, false},
               {"5xx", true, false},
               {"before", true, false},
               {"p99", true, false},
               {"before", true, false}},
              {}};
  table.rows.push_back({"all", format_count(requests.total_count),
                        or_unknown(requests.error_ratio, format_ratio),
                        or_unknown(requests.baseline_error_ratio, format_ratio),
                        or_unknown(requests.p99_ms, milliseconds),
                        or_unknown(requests.baseline_p99_ms, milliseconds)});
  for (const auto& route : requests.routes)
    table.rows.push_back({route.route, format_count(route.count), format_ratio(route.error_ratio),
                          or_unknown(route.baseline_error_ratio, format_ratio),
                          or_unknown(route.p99_ms, milliseconds),
                          or_unknown(route.baseline_p99_ms, milliseconds)});
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section occurrences_section(Section section, const char* title,
                            const std::vector<Occurrence>& list) {
  Table table{{{"count", true, false},
               {"before", true, false},
               {"first", false, false},
               {title, false, true}},
              {}};
  for (const auto& hit : list)
    table.rows.push_back({format_count(hit.count), or_unknown(hit.baseline_count, format_count),
                          hit.first ? hit.first->substr(11, 8) : "unknown", hit.meaning});
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section traces_section(const Result& result) {
  Section section{
      "TRACES", "of error messages; JAEGER_URL or --jaeger says where they are", {}, false};
  Items items;
  for (const auto& error : result.errors)
    if (!error.trace_ids.empty())
      items.items.push_back(
          {error.meaning, error.trace_ids, "triage trace --trace-id " + error.trace_ids.front()});
  if (!items.items.empty()) section.blocks.emplace_back(std::move(items));
  return section;
}

Section templates_section(const TemplateChanges& changes) {
  Section section{
      "CHANGED TEMPLATES",
      fmt::format("of {} different ones; <*> is a value", format_count(changes.distinct_count)),
      {},
      false};
  Table table{{{"", false, false},
               {"count", true, false},
               {"before", true, false},
               {"first", false, false},
               {"template", false, true}},
              {}};
  const auto add = [&](const char* word, const std::vector<Occurrence>& list) {
    for (const auto& hit : list)
      table.rows.push_back({word, format_count(hit.count),
                            or_unknown(hit.baseline_count, format_count),
                            hit.first ? hit.first->substr(11, 8) : "unknown", hit.meaning});
  };
  add("new", changes.appeared);
  add("surging", changes.surging);
  add("vanished", changes.vanished);
  if (table.rows.empty())
    section.blocks.emplace_back(Paragraph{"none is new, surging or vanished"});
  else
    section.blocks.emplace_back(std::move(table));
  return section;
}

Section examples_section(const Result& result) {
  Section section{"EXAMPLES", "one line per signature, redacted", {}, true};
  Items items;
  for (const auto& [id, hit] : result.signatures) items.items.push_back({id, {}, hit.example});
  section.blocks.emplace_back(std::move(items));
  return section;
}

}  // namespace

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  if (!result.series.empty()) return series_sections(result);
  std::vector<Section> list;
  list.push_back(window_section(result));
  if (result.server) list.push_back(server_section(*result.server));
  list.push_back(signatures_section(result));
  if (result.requests) list.push_back(requests_section(*result.requests));
  if (!result.errors.empty())
    list.push_back(occurrences_section(
        {"ERROR MESSAGES", "numbers replaced by #, most frequent first", {}, false}, "message",
        result.errors));
  if (!result.stacks.empty())
    list.push_back(occurrences_section(
        {"STACKS", "first frame in own code below an error", {}, false}, "frame", result.stacks));
  if (auto traces = traces_section(result); !traces.blocks.empty())
    list.push_back(std::move(traces));
  if (result.templates) list.push_back(templates_section(*result.templates));
  if (!result.signatures.empty()) list.push_back(examples_section(result));
  return list;
}

}  // namespace triage::probes::logs
