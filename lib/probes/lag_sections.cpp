#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/probes/lag.h"
#include "lib/probes/lag_words.h"
#include "lib/v8/script_url.h"

namespace triage::probes::lag {
namespace {

std::string ms(double value) {
  return value < 10 ? fmt::format("{:.2f} ms", value) : format_duration(value / 1000);
}

std::string optional_ms(const std::optional<double>& value) {
  return or_unknown(value, [](double known) { return fmt::format("{:.1f}", known); });
}

/// One character per stretch of the timeline, higher for a longer iteration.
std::string spark_line(const std::vector<TimelineSlot>& timeline) {
  constexpr std::array<std::pair<double, const char*>, 8> levels{
      {{5, "."}, {10, "▁"}, {20, "▂"}, {50, "▃"}, {100, "▄"}, {200, "▅"}, {500, "▆"}, {1000, "▇"}}};
  constexpr std::size_t columns = 60;
  const std::size_t step = std::max<std::size_t>(1, (timeline.size() + columns - 1) / columns);
  std::string line;
  for (std::size_t i = 0; i < timeline.size(); i += step) {
    double longest = 0;
    for (std::size_t k = i; k < std::min(i + step, timeline.size()); ++k)
      longest = std::max(longest, timeline[k].longest_ms);
    const auto level = std::find_if(levels.begin(), levels.end(), [&](const auto& candidate) {
      return longest <= candidate.first;
    });
    line += level == levels.end() ? "█" : level->second;
  }
  return line;
}

Section loop_section(const Result& result) {
  Table table{{{"loop", false, false},
               {"busy", true, false},
               {"iterations", true, false},
               {"stalls", true, false},
               {"longest", true, false},
               {"wait p50", true, false},
               {"p90", true, false},
               {"p99", true, false}},
              {}};
  const bool several = std::any_of(result.loops.begin(), result.loops.end(),
                                   [&](const Loop& loop) { return loop.pid != result.pid; });
  for (const auto& loop : result.loops)
    table.rows.push_back({several ? fmt::format("{} {}/{}", loop.role, loop.pid, loop.tid)
                                  : fmt::format("{} {}", loop.role, loop.tid),
                          format_ratio(loop.utilization_ratio), format_count(loop.iterations_count),
                          format_count(loop.stalls_count), ms(loop.longest_ms),
                          ms(loop.wait_p50_ms), ms(loop.wait_p90_ms), ms(loop.wait_p99_ms)});
  Section section{
      "LOOPS", "wait: of a request that arrives at a random moment", {std::move(table)}, false};
  for (const auto& loop : result.loops)
    if (!loop.ended.empty())
      section.blocks.emplace_back(
          Paragraph{fmt::format("thread {} was observed for {} only: {}", loop.tid,
                                format_duration(loop.window_ms / 1000), loop.ended)});
  const Loop& worst = result.loops.front();
  if (worst.timeline.size() > 1)
    section.blocks.emplace_back(Paragraph{
        fmt::format("{}  longest iteration over the {} (. below 5 ms, █ above 1 s)",
                    spark_line(worst.timeline), format_duration(worst.window_ms / 1000))});
  return section;
}

Section wait_section(const Loop& loop) {
  Table table{{{"waits longer than", true, false}, {"share of the time", true, false}}, {}};
  for (const auto& row : loop.waits)
    if (row.ratio > 0) table.rows.push_back({ms(row.longer_than_ms), format_ratio(row.ratio)});
  return {"A NEW REQUEST",
          fmt::format("on the {} loop {}", loop.role, loop.tid),
          {std::move(table)},
          false};
}

/// The stacks of the worst stalls, each once.
void add_stacks(const Result& result, std::size_t shown, Section& section) {
  std::map<std::int64_t, std::vector<std::string>> times;
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < shown; ++i) {
    const Stall& stall = result.stalls[i];
    if (!stall.stack) continue;
    auto& list = times[*stall.stack];
    if (list.empty()) order.push_back(*stall.stack);
    list.push_back(stall.at.substr(11, 12));
  }
  for (const auto index : order) {
    const Stack& stack = result.stacks.at(static_cast<std::size_t>(index));
    section.blocks.emplace_back(
        Paragraph{fmt::format("{} ({}):", fmt::join(times[index], ", "), stack.word)});
    section.blocks.emplace_back(Code{v8::describe_stack(stack.frames, false)});
  }
}

Section stall_section(const Options& options, const Result& result) {
  Table table{{{"began", false, false},
               {"lasted", true, false},
               {"cpu", true, false},
               {"blocked", true, false},
               {"no cpu", true, false},
               {"word", false, false},
               {"where", false, true}},
              {}};
  const auto shown = std::min(result.stalls.size(),
                              static_cast<std::size_t>(std::max<std::int64_t>(options.top, 0)));
  for (std::size_t i = 0; i < shown; ++i) {
    const Stall& stall = result.stalls[i];
    std::string length = fmt::format("{:.1f}", stall.duration_ms);
    if (!stall.start_known) length = ">" + length;
    std::vector<std::string> detail;
    if (stall.open) detail.emplace_back("still runs");
    if (stall.late_wake_up) detail.emplace_back("woken late");
    if (!stall.function.empty())
      detail.push_back(fmt::format("{} {}", stall.function, stall.location));
    if (!stall.blocked.empty() && stall.blocked.front().ms >= 1)
      detail.push_back(stall.blocked.front().call + " " + stall.blocked.front().object);
    table.rows.push_back({stall.at.substr(11, 12), length, optional_ms(stall.cpu_ms),
                          optional_ms(stall.blocked_ms), optional_ms(stall.runqueue_ms), stall.word,
                          fmt::format("{}", fmt::join(detail, "; "))});
  }
  Section section{"WORST STALLS", "times in ms", {std::move(table)}, false};
  add_stacks(result, shown, section);
  return section;
}

Section culprit_section(const Result& result) {
  constexpr std::size_t most_rows = 10;
  Table table{{{"share", true, false},
               {"time", true, false},
               {"stalls", true, false},
               {"word", false, false},
               {"function and line", false, true}},
              {}};
  for (std::size_t i = 0; i < std::min(most_rows, result.culprits.size()); ++i) {
    const Culprit& culprit = result.culprits[i];
    std::string text = culprit.function + " " + culprit.location;
    if (!culprit.package.empty()) text += " (" + culprit.package + ")";
    if (!culprit.detail.empty()) text += "; " + culprit.detail;
    table.rows.push_back({format_ratio(culprit.ratio), ms(culprit.total_ms),
                          format_count(culprit.stalls_count), culprit.word, std::move(text)});
  }
  std::string note = "by the innermost function of the service's own code";
  if (result.gc_ratio) note += fmt::format("; gc {} of the time", format_ratio(*result.gc_ratio));
  return {"CULPRITS", std::move(note), {std::move(table)}, false};
}

Section word_section(const Result& result) {
  Table table{{{"reason", false, false},
               {"stalls", true, false},
               {"time", true, false},
               {"share", true, false}},
              {}};
  for (const auto& row : result.words)
    table.rows.push_back(
        {row.word, format_count(row.stalls_count), ms(row.total_ms), format_ratio(row.ratio)});
  return {"WHERE THE TIME WENT", "", {std::move(table)}, false};
}

/// " in scan (/srv/app.js:41:13)": the function that spent most of its time on this word.
std::string place_of_word(const Result& result, const std::string& word) {
  for (const auto& culprit : result.culprits)
    if (culprit.word == word) return fmt::format(" in {} ({})", culprit.function, culprit.location);
  return {};
}

void add_advice(const Result& result, std::vector<Section>& all) {
  Items now{Items::Marker::number, {}};
  Items later{Items::Marker::bullet, {}};
  Items never{Items::Marker::cross, {}};
  constexpr double worth_it = 0.1;
  for (const auto& row : result.words) {
    if (row.ratio < worth_it) continue;
    const Advice advice = advice_of(row.word);
    const std::string place = place_of_word(result, row.word);
    if (!advice.now.empty()) now.items.push_back({row.word + place + ": " + advice.now, {}, {}});
    if (!advice.later.empty())
      later.items.push_back({row.word + place + ": " + advice.later, {}, {}});
    if (!advice.never.empty()) never.items.push_back({advice.never, {}, {}});
  }
  if (!now.items.empty())
    all.push_back({"NOW", "(nothing was changed by this run)", {std::move(now)}, false});
  if (!later.items.empty()) all.push_back({"LATER", "", {std::move(later)}, false});
  if (!never.items.empty()) all.push_back({"DON'T", "", {std::move(never)}, false});
}

/// The longest iteration of each stretch of the main loop's time.
Plot timeline_plot(const Result& result) {
  const Loop& loop = result.loops.front();
  Plot plot{"longest iteration of the loop", "s", "", {{loop.role, {}, {}}}, {}, {}, {}};
  const double began = to_epoch_seconds(parse_rfc3339(result.envelope.at));
  for (const auto& slot : loop.timeline) {
    plot.series.front().x.push_back(began + slot.start_ms / 1000);
    plot.series.front().y.push_back(slot.longest_ms / 1000);
  }
  plot.limit = result.threshold_ms / 1000;
  return plot;
}

/// The stacks of the stalls, callers above, as wide as the stalls were long.
FlameGraph flame_of(const Result& result) {
  FlameGraph graph{"stalls by stack", {}, {}};
  std::map<std::pair<std::size_t, std::string>, std::size_t> known;
  for (const auto& stall : result.stalls) {
    if (!stall.stack) continue;
    const auto& frames = result.stacks.at(static_cast<std::size_t>(*stall.stack)).frames;
    std::size_t at = FlameNode::none;
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      const std::string name = v8::function_of(*frame);
      const std::string file = v8::path_of_url(frame->url);
      const auto [found, fresh] = known.try_emplace({at, name + "\n" + file}, graph.nodes.size());
      if (fresh)
        graph.nodes.push_back({at, name, file, frame->function_line.value_or(0),
                               frame->function_column.value_or(0), 0, 0});
      at = found->second;
    }
    if (at == FlameNode::none) continue;
    graph.nodes[at].own_ms += stall.duration_ms;
    ++graph.nodes[at].own_count;
  }
  return graph;
}

Section drawings_section(const Result& result) {
  Section section{"DRAWN", "", {}, true};
  if (result.loops.front().timeline.size() > 1) section.blocks.emplace_back(timeline_plot(result));
  FlameGraph flame = flame_of(result);
  if (!flame.nodes.empty()) section.blocks.emplace_back(std::move(flame));
  return section;
}

Section method_section(const Result& result) {
  Section section{
      "HOW IT WAS TIMED",
      "",
      {Paragraph{fmt::format(
          "{}: {}. Typical error {:.1f} ms; longest time in which triage itself did "
          "not look {:.1f} ms.",
          result.tier, result.tier_source, result.tier_error_ms, result.own_longest_gap_ms)}},
      false};
  if (result.stack_failed_ratio)
    section.blocks.emplace_back(Paragraph{fmt::format(
        "{} stacks were taken while a loop was stalled; {} of the V8 objects read for them were "
        "not what they had to be, and their frames are left out.",
        format_count(result.stacks_count), format_ratio(*result.stack_failed_ratio))});
  return section;
}

}  // namespace

std::vector<Section> sections(const Options& options, const Result& result) {
  std::vector<Section> all;
  if (!result.loops.empty()) {
    all.push_back(loop_section(result));
    if (result.stalls_count.value_or(0) > 0) {
      all.push_back(wait_section(result.loops.front()));
      all.push_back(word_section(result));
      if (!result.culprits.empty()) all.push_back(culprit_section(result));
      if (!result.stalls.empty()) all.push_back(stall_section(options, result));
    }
  }
  if (result.envelope.severity == Severity::warn || result.envelope.severity == Severity::crit)
    add_advice(result, all);
  if (!result.loops.empty())
    if (Section drawn = drawings_section(result); !drawn.blocks.empty())
      all.push_back(std::move(drawn));
  if (!result.tier.empty()) all.push_back(method_section(result));
  return all;
}

}  // namespace triage::probes::lag
