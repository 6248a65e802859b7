#include "lib/probes/promq_rank.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lib/base/units.h"
#include "lib/stats/own_excess.h"
#include "lib/stats/shift.h"

namespace triage::probes::promq_rank {
namespace {

using promq::Curve;

/// Moves below this many robust deviations happen by themselves in most windows.
constexpr double moved = 6;
constexpr double onset_sure = 0.01;
constexpr std::size_t least_before = 8;
/// A told start is looked for from so much before to so much after: people are late.
constexpr double early_s = 90;
constexpr double late_s = 30;
constexpr std::size_t excess_window = 3;

/// Series for which a fall is the bad direction, by the words of their names.
bool falls_are_bad(std::string name) {
  constexpr std::array<std::string_view, 9> words{
      "availab", "free", "idle", "success", "healthy", "ready", "_up", "hit_rat", "remaining"};
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (name == "up" || name.rfind("up{", 0) == 0) return true;
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

std::string label_of(const Curve& curve, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = curve.labels.find(name);
    if (found != curve.labels.end() && !found->second.empty()) return found->second;
  }
  return {};
}

std::string service_of(const Curve& curve) {
  const std::string label =
      label_of(curve, {"service", "service_name", "app", "app_kubernetes_io_name", "container",
                       "deployment", "job"});
  if (!label.empty() || !curve.labels.empty()) return label;
  return curve.name.substr(0, curve.name.find_first_of("_:"));
}

struct Table {
  std::vector<std::vector<double>> numbers;
  std::vector<std::optional<stats::ChangePoint>> changes;
};

/// Where to look for the common onset: around a told start, or everywhere.
std::pair<std::size_t, std::size_t> onset_range(const Sample& sample, std::size_t length,
                                                double step_s) {
  const auto steps = [&](double seconds) {
    return static_cast<std::size_t>(std::max(2.0, std::round(seconds / std::max(step_s, 1e-9))));
  };
  const std::size_t last = length > 4 ? length - 2 : length;
  if (!sample.start) {
    const std::size_t first = std::max(least_before, length / 10);
    return {std::min(first, last), std::min(last, length - std::min(length / 20, length))};
  }
  const auto told = static_cast<std::size_t>(*sample.start);
  const std::size_t early = steps(early_s);
  return {std::min(last, std::max(least_before, told > early ? told - early : 0)),
          std::min(last, told + steps(late_s))};
}

std::size_t find_onset(const Sample& sample, const Table& table, double step_s) {
  const auto [from, to] = onset_range(sample, table.numbers.front().size(), step_s);
  return stats::common_onset(table.numbers, from, to);
}

Mover mover_of(const Curve& curve, const stats::Shift& shift,
               const std::optional<stats::ChangePoint>& change) {
  const bool fall = falls_are_bad(curve.name);
  Mover mover{curve.name,
              service_of(curve),
              label_of(curve, {"instance", "pod", "host", "node"}),
              fall ? shift.fall : shift.rise,
              shift.before,
              shift.after,
              {},
              {},
              {}};
  if (change && change->p_value <= onset_sure) {
    const auto time = [&](std::size_t index) {
      return curve.from_s + curve.step_s * static_cast<double>(index);
    };
    mover.onset_s = time(change->index);
    mover.onset_from_s = time(change->low);
    mover.onset_to_s = time(change->high);
  }
  return mover;
}

/// Groups in the order of their best series; `movers` is sorted.
std::vector<Group> groups_of(const std::vector<Mover>& movers, std::string Mover::*key) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (const auto& mover : movers) {
    const std::string& name = mover.*key;
    if (name.empty()) continue;
    const auto [place, fresh] = places.emplace(name, groups.size());
    if (fresh) groups.push_back({name, mover.score, mover.name, 0, {}});
    if (mover.score >= moved) ++groups[place->second].moved_count;
  }
  return groups;
}

/// Whether one surely began before the other: a cause does not begin after its effect.
bool begins_later(const Mover& callee, const Mover& caller) {
  return callee.onset_from_s && caller.onset_to_s && *callee.onset_from_s > *caller.onset_to_s;
}

/// Puts causes before their effects: a service behind which, along the calls, another moved as well
/// and not later is an effect of that one, and comes behind all that are none ("anomaly
/// traversal"). Within both, the largest move comes first, as before.
void order_by_calls(const std::vector<Call>& graph, const std::vector<Mover>& movers,
                    std::vector<Group>& services) {
  std::map<std::string, const Mover*> first;
  for (const Mover& mover : movers)
    if (mover.score >= moved) first.emplace(mover.service, &mover);
  std::multimap<std::string, std::string> callees;
  for (const Call& call : graph) callees.emplace(call.caller, call.callee);
  for (Group& service : services) {
    const auto own = first.find(service.name);
    if (own == first.end()) continue;
    std::vector<std::string> reached{service.name};
    double worst = 0;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      const auto [from, to] = callees.equal_range(std::string(reached[i]));
      for (auto edge = from; edge != to; ++edge) {
        if (std::find(reached.begin(), reached.end(), edge->second) != reached.end()) continue;
        reached.push_back(edge->second);
        const auto callee = first.find(edge->second);
        if (callee == first.end() || begins_later(*callee->second, *own->second)) continue;
        if (callee->second->score > worst) service.effect_of = edge->second;
        worst = std::max(worst, callee->second->score);
      }
    }
  }
  // In a circle of calls each would be the effect of the other, and nothing is known.
  for (Group& service : services)
    for (const Group& other : services)
      if (!service.effect_of.empty() && other.name == service.effect_of &&
          other.effect_of == service.name && service.score >= other.score)
        service.effect_of.clear();
  std::stable_partition(services.begin(), services.end(),
                        [](const Group& service) { return service.effect_of.empty(); });
}

void rank_series(const Options& options, const Sample& sample, Result& result) {
  if (sample.curves.empty()) return;
  Table table;
  for (const auto& curve : sample.curves) {
    table.numbers.push_back(promq::numbers_of(curve));
    table.changes.push_back(stats::change_point(table.numbers.back()));
  }
  const Curve& first = sample.curves.front();
  if (first.values.size() < least_before + 2) return;
  const std::size_t onset = find_onset(sample, table, first.step_s);
  result.onset_index = static_cast<std::int64_t>(onset);
  result.onset_s = first.from_s + first.step_s * static_cast<double>(onset);
  for (std::size_t i = 0; i < table.numbers.size(); ++i) {
    const auto shift = stats::shift_at(table.numbers[i], onset);
    if (shift) result.movers.push_back(mover_of(sample.curves[i], *shift, table.changes[i]));
  }
  std::stable_sort(result.movers.begin(), result.movers.end(),
                   [](const Mover& a, const Mover& b) { return a.score > b.score; });
  result.services = groups_of(result.movers, &Mover::service);
  result.instances = groups_of(result.movers, &Mover::instance);
  if (!sample.graph.empty()) order_by_calls(sample.graph, result.movers, result.services);
  const auto top = static_cast<std::size_t>(std::max<std::int64_t>(1, options.top));
  const auto cut = [&](auto& list) {
    if (list.size() > top) list.resize(top);
  };
  cut(result.movers);
  cut(result.services);
  cut(result.instances);
}

/// Columns "METRIC:NODE" and "requests:NODE" as the tables of the healthy time and of now.
std::pair<stats::NodeTable, stats::NodeTable> node_tables(const Sample& sample,
                                                          const std::string& metric,
                                                          std::size_t healthy, std::size_t now) {
  std::pair<stats::NodeTable, stats::NodeTable> tables;
  const double sign = falls_are_bad(metric) ? -1 : 1;
  for (const auto& curve : sample.curves) {
    const auto colon = curve.name.find(':');
    if (colon == std::string::npos) continue;
    const std::string kind = curve.name.substr(0, colon);
    const std::string node = curve.name.substr(colon + 1);
    if (kind != metric && kind != "requests") continue;
    std::vector<double> numbers = promq::numbers_of(curve);
    if (kind == metric)
      for (double& number : numbers) number *= sign;
    const auto part = [&](std::size_t from, std::size_t to) {
      to = std::min(to, numbers.size());
      from = std::min(from, to);
      return std::vector<double>(numbers.begin() + static_cast<std::ptrdiff_t>(from),
                                 numbers.begin() + static_cast<std::ptrdiff_t>(to));
    };
    const auto place = kind == metric ? &stats::NodeSeries::level : &stats::NodeSeries::requests;
    tables.first[node].*place = part(0, healthy);
    tables.second[node].*place = part(now, numbers.size());
  }
  return tables;
}

void rank_nodes(const Options& options, const Sample& sample, Result& result) {
  const auto colon = options.symptom.find(':');
  if (colon == std::string::npos)
    throw Error(ErrorCode::usage, "--symptom needs METRIC:NODE", "--symptom latency:frontend");
  const std::string metric = options.symptom.substr(0, colon);
  const std::string node = options.symptom.substr(colon + 1);
  if (!sample.start)
    throw Error(ErrorCode::usage, "--symptom needs --start", "give the time of the alarm");
  const auto now = static_cast<std::size_t>(*sample.start);
  const std::size_t healthy =
      sample.healthy_count > 0 ? static_cast<std::size_t>(sample.healthy_count) : now;
  const auto [before, after] = node_tables(sample, metric, healthy, now);
  stats::CallGraph graph;
  for (const auto& call : sample.graph) graph[call.caller].push_back(call.callee);
  if (!before.contains(node) || before.at(node).level.empty()) {
    result.envelope.find("no_symptom", Severity::unknown,
                         fmt::format("there is no series {}", options.symptom));
    return;
  }
  const stats::ExcessModel model(before, graph, node, excess_window);
  const auto answer = model.judge(after, options.false_alarms);
  result.p_value = answer.p_value;
  result.incident = answer.incident;
  result.windows_count = static_cast<std::int64_t>(model.windows());
  const double sign = falls_are_bad(metric) ? -1 : 1;
  if (answer.incident)
    for (const auto& suspect : answer.suspects)
      result.causes.push_back({suspect.node, suspect.own, suspect.explained, suspect.usual_share,
                               sign * suspect.before, sign * suspect.after});
  if (static_cast<double>(model.windows()) * options.false_alarms < 1)
    result.envelope.find("short_history", Severity::unknown,
                         fmt::format("{} ordinary windows are too few to tell an incident from "
                                     "chance at --false-alarms {}",
                                     model.windows(), options.false_alarms));
}

void judge(const Sample& sample, Result& result) {
  Envelope& envelope = result.envelope;
  promq::judge_clock(sample.clock_offset_s, "Prometheus", envelope);
  if (sample.curves.empty())
    envelope.find("no_data", Severity::unknown, "no series in this window: unknown, not healthy");
  else if (result.movers.empty() && !result.p_value)
    envelope.find("no_values", Severity::unknown,
                  "no series has the values on both sides of an onset that a comparison needs");
  if (sample.left_off_count > 0)
    envelope.find("series_left_off", Severity::warn,
                  fmt::format("{} series beyond --most-series were left off",
                              format_count(sample.left_off_count)));
  if (!sample.warnings.empty())
    envelope.find("server_warning", Severity::warn, sample.warnings.front());
  if (!result.causes.empty()) {
    const Cause& cause = result.causes.front();
    envelope.find(
        "root_node", Severity::crit,
        fmt::format("{} explains {} of the symptom; ordinary windows look like this in {}",
                    cause.node, format_ratio(cause.explained_ratio),
                    format_ratio(*result.p_value)));
  } else if (!result.services.empty() &&
             std::any_of(result.services.begin(), result.services.end(),
                         [](const Group& group) { return !group.effect_of.empty(); })) {
    const Group& cause = result.services.front();
    std::string effects;
    for (const Group& group : result.services)
      if (!group.effect_of.empty()) effects += (effects.empty() ? "" : ", ") + group.name;
    envelope.find(
        "moved_behind", Severity::warn,
        fmt::format("{} moved ({}), and behind it in the calls nothing else did; {} moved "
                    "as well and call what moved",
                    cause.name, cause.first_series, effects));
  } else if (!result.movers.empty() && result.movers.front().score >= moved) {
    const Mover& mover = result.movers.front();
    envelope.find("moved_most", Severity::warn,
                  fmt::format("{} moved most: {:.4g} to {:.4g}, {:.0f} robust deviations",
                              mover.name, mover.before, mover.after, mover.score));
  }
}

}  // namespace

Help help() {
  return {
      "Ranks what moved at the onset of an incident: series, services and instances by their "
      "robust shift in the direction that is bad for them. With --graph or --jaeger a service that "
      "calls another which moved as well, and not later, comes behind it. With --graph and "
      "--symptom it names the "
      "node that causes the symptom: what a node adds (level x requests) less what its callees "
      "add, held against ordinary windows of the same length, so that --false-alarms is the only "
      "threshold. Series come from Prometheus, or from a CSV table.",
      {{"triage promq rank '{namespace=\"shop\"}' --since 30m", "all metrics of these series"},
       {"triage promq rank --csv incident.csv --before healthy.csv --start row:0",
        "tables in place of a server"},
       {"triage promq rank --level 'avg by (service) (latency_seconds)' --requests "
        "'sum by (service) (rate(d_count[1m]))' --graph calls.csv --symptom latency:frontend",
        "the node behind the latency of frontend"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  const auto text = [&](const char* name, const char* help, const char* placeholder,
                        std::string& value, bool positional = false) {
    visitor.visit({name, help, placeholder, {}, positional, false, 0}, value);
  };
  text("selector", "labels of the series to rank; counters become rates", "{...}", options.selector,
       true);
  visitor.visit(
      {"query", "rank the series of this expression instead", "EXPR", {}, false, false, 0},
      options.queries);
  text("csv", "table instead of a server: time and one column per series", "FILE", options.csv);
  text("before", "table of the healthy time before it", "FILE", options.before);
  text("start", "start of the incident: RFC 3339, or row:N of --csv; default: found", "TIME",
       options.start);
  text("graph", "who calls whom: CSV caller,callee, or triage trace deps -o json", "FILE",
       options.graph);
  visitor.visit({"jaeger", "or the Jaeger that counted the calls", "URL", {}, false, true, 0},
                options.jaeger);
  text("symptom", "what is wrong: columns METRIC:NODE and requests:NODE", "METRIC:NODE",
       options.symptom);
  text("level", "expression with one level per node", "EXPR", options.level);
  text("requests", "expression with the requests per node", "EXPR", options.requests);
  text("node-label", "label that names the node", "NAME", options.node_label);
  visitor.visit({"false-alarms",
                 "share of ordinary windows that may be called an incident",
                 "RATIO",
                 {},
                 false,
                 false,
                 0},
                options.false_alarms);
  visitor.visit({"top", "rows that are shown", "N", {}, false, false, 0}, options.top);
  visitor.visit({"most-series", "series that are read at most", "N", {}, false, false, 0},
                options.most_series);
  describe(options.source, visitor);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.series_count = static_cast<std::int64_t>(sample.curves.size());
  if (options.symptom.empty())
    rank_series(options, sample, result);
  else
    rank_nodes(options, sample, result);
  judge(sample, result);
  result.envelope.provenance.push_back({{""}, sample.target, sample.at, sample.repeat});
  return result;
}

}  // namespace triage::probes::promq_rank
