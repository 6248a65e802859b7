#include <fmt/format.h>

#include <algorithm>

#include "lib/base/units.h"
#include "lib/probes/promq_rank.h"

namespace triage::probes::promq_rank {
namespace {

Section causes_section(const Result& result) {
  triage::Table table{{{"node", false, true},
                       {"explains", true, false},
                       {"own part", true, false},
                       {"before", true, false},
                       {"now", true, false},
                       {"usual", true, false}},
                      {}};
  for (const auto& cause : result.causes)
    table.rows.push_back({cause.node, format_ratio(cause.explained_ratio),
                          fmt::format("{:.4g}", cause.own), fmt::format("{:.4g}", cause.before),
                          fmt::format("{:.4g}", cause.after), format_ratio(cause.usual_ratio)});
  return {"CAUSES", "most likely first", {std::move(table)}, false};
}

Section movers_section(const Result& result) {
  triage::Table table{{{"series", false, true},
                       {"before", true, false},
                       {"after", true, false},
                       {"deviations", true, false},
                       {"own onset (UTC)", false, false}},
                      {}};
  std::vector<std::string> full;
  full.reserve(result.movers.size());
  for (const auto& mover : result.movers) full.push_back(mover.name);
  const promq::ShortNames names = promq::short_names(full);
  for (const auto& mover : result.movers)
    table.rows.push_back({names.names[table.rows.size()], fmt::format("{:.4g}", mover.before),
                          fmt::format("{:.4g}", mover.after), fmt::format("{:.1f}", mover.score),
                          or_unknown(mover.onset_s, [&](double at) {
                            return fmt::format(
                                "{} +-{}", to_time_of_day(from_epoch_seconds(at)),
                                format_duration((*mover.onset_to_s - *mover.onset_from_s) / 2));
                          })});
  return {"MOVED MOST",
          fmt::format("of {} series{}", format_count(result.series_count),
                      names.common.empty() ? "" : ", all with " + names.common),
          {std::move(table)},
          false};
}

Section groups_section(const char* title, const std::vector<Group>& groups) {
  triage::Table table{{{"name", false, false},
                       {"deviations", true, false},
                       {"moved", true, false},
                       {"by", false, true}},
                      {}};
  std::vector<std::string> full;
  full.reserve(groups.size());
  for (const auto& group : groups) full.push_back(group.first_series);
  const promq::ShortNames names = promq::short_names(full);
  const bool effects = std::any_of(groups.begin(), groups.end(),
                                   [](const Group& group) { return !group.effect_of.empty(); });
  if (effects) table.columns.push_back({"effect of", false, false});
  for (const auto& group : groups) {
    table.rows.push_back({group.name, fmt::format("{:.1f}", group.score),
                          format_count(group.moved_count), names.names[table.rows.size()]});
    if (effects) table.rows.back().push_back(group.effect_of);
  }
  return {title, "", {std::move(table)}, false};
}

}  // namespace

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (result.p_value) {
    all.push_back({"INCIDENT",
                   "",
                   {Paragraph{fmt::format(
                       "{}: {} of {} ordinary windows look at least as much like one",
                       *result.incident ? "yes" : "nothing unusual", format_ratio(*result.p_value),
                       format_count(result.windows_count))}},
                   false});
  } else if (result.onset_s) {
    all.push_back({"ONSET",
                   "",
                   {Paragraph{fmt::format("{} (step {} of the series)",
                                          to_rfc3339(from_epoch_seconds(*result.onset_s)),
                                          *result.onset_index)}},
                   false});
  }
  if (!result.causes.empty()) all.push_back(causes_section(result));
  if (!result.movers.empty()) all.push_back(movers_section(result));
  if (!result.services.empty()) all.push_back(groups_section("SERVICES", result.services));
  if (!result.instances.empty()) all.push_back(groups_section("INSTANCES", result.instances));
  return all;
}

}  // namespace triage::probes::promq_rank
