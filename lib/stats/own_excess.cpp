#include "lib/stats/own_excess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "lib/stats/robust.h"

namespace triage::stats {
namespace {

constexpr std::size_t least_history = 10;
/// A node that does this in one of twenty ordinary windows is asked after the others.
constexpr double unusual = 0.05;
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::vector<double> known(std::span<const double> values) {
  std::vector<double> out;
  for (const double value : values)
    if (std::isfinite(value)) out.push_back(value);
  return out;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::span<const double> part(const std::vector<double>& values, std::size_t first,
                             std::size_t count) {
  if (first >= values.size()) return {};
  return std::span(values).subspan(first, std::min(count, values.size() - first));
}

/// The median over consecutive windows of the mean of each; NaN without a value.
double level_of(std::span<const double> values, std::size_t window) {
  std::vector<double> means;
  for (std::size_t first = 0; first < values.size(); first += window) {
    const std::size_t size = std::min(window, values.size() - first);
    // A rest that is shorter than a window would be noisier than what it is compared with.
    if (size < window && first > 0) break;
    const auto some = known(values.subspan(first, size));
    if (!some.empty()) means.push_back(mean_of(some));
  }
  return median(means).value_or(unknown);
}

/// Values of an ascending list that are at least `value`, the value itself counted in.
double share_above(const std::vector<double>& ascending, double value) {
  const auto above = ascending.end() - std::lower_bound(ascending.begin(), ascending.end(), value);
  return (1 + static_cast<double>(above)) / (1 + static_cast<double>(ascending.size()));
}

std::vector<std::string> reachable(const CallGraph& graph, const std::string& from) {
  std::set<std::string> seen;
  std::vector<std::string> todo{from};
  while (!todo.empty()) {
    const std::string node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    const auto found = graph.find(node);
    if (found != graph.end()) todo.insert(todo.end(), found->second.begin(), found->second.end());
  }
  return {seen.begin(), seen.end()};
}

}  // namespace

ExcessModel::ExcessModel(const NodeTable& healthy, const CallGraph& graph, std::string symptom,
                         std::size_t window)
    : graph_(graph), symptom_(std::move(symptom)), window_(std::max<std::size_t>(1, window)) {
  std::size_t samples = 0;
  for (const std::string& node : reachable(graph, symptom_)) {
    const auto found = healthy.find(node);
    if (found == healthy.end()) continue;
    const auto values = known(found->second.level);
    if (values.size() < least_history) continue;
    candidates_.push_back(node);
    usual_[node] = *median(values);
    samples = std::max(samples, found->second.level.size());
  }
  std::vector<Look> looks;
  for (std::size_t first = 0; first + window_ <= samples; ++first) {
    looks.push_back(look(healthy, first, window_));
    if (std::isnan(looks.back().symptom)) {
      looks.pop_back();
      continue;
    }
    symptoms_.push_back(looks.back().symptom);
    for (const auto& [node, own] : looks.back().own) owns_[node].push_back(own);
  }
  std::sort(symptoms_.begin(), symptoms_.end());
  for (auto& [node, values] : owns_) std::sort(values.begin(), values.end());
  for (const Look& each : looks) products_.push_back(product(each, order(each)));
  std::sort(products_.begin(), products_.end());
}

ExcessModel::Look ExcessModel::look(const NodeTable& table, std::size_t first,
                                    std::size_t count) const {
  Look result;
  result.symptom = unknown;
  for (const std::string& node : candidates_) {
    const auto found = table.find(node);
    if (found == table.end()) continue;
    const double level = level_of(part(found->second.level, first, count), window_);
    if (std::isnan(level)) continue;
    const auto requests = known(part(found->second.requests, first, count));
    result.level[node] = level;
    result.added[node] =
        std::max(0.0, level - usual_.at(node)) * (requests.empty() ? 1.0 : mean_of(requests));
    if (node == symptom_) result.symptom = level;
  }
  for (const auto& [node, added] : result.added) {
    double paid = 0;
    const auto callees = graph_.find(node);
    if (callees != graph_.end())
      for (const std::string& callee : callees->second) {
        const auto found = result.added.find(callee);
        if (callee != node && found != result.added.end()) paid = std::max(paid, found->second);
      }
    result.own[node] = added - paid;
  }
  return result;
}

double ExcessModel::share_of(const std::string& node, double own) const {
  const auto found = owns_.find(node);
  return found == owns_.end() ? 1 : share_above(found->second, own);
}

std::vector<std::string> ExcessModel::order(const Look& look) const {
  struct Row {
    bool usual;
    double own;
    std::string node;
  };
  std::vector<Row> rows;
  for (const auto& [node, own] : look.own)
    if (own > 0) rows.push_back({share_of(node, own) > unusual, own, node});
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.usual != b.usual ? b.usual : a.own > b.own;
  });
  std::vector<std::string> nodes;
  nodes.reserve(rows.size());
  for (auto& row : rows) nodes.push_back(std::move(row.node));
  return nodes;
}

double ExcessModel::product(const Look& look, const std::vector<std::string>& order) const {
  if (order.empty() || std::isnan(look.symptom)) return 1;
  return share_above(symptoms_, look.symptom) * share_of(order.front(), look.own.at(order.front()));
}

ExcessAnswer ExcessModel::judge(const NodeTable& now, double false_alarms) const {
  std::size_t samples = 0;
  for (const auto& [node, series] : now) samples = std::max(samples, series.level.size());
  const Look seen = look(now, 0, samples);
  const auto nodes = order(seen);
  ExcessAnswer answer;
  const double mine = product(seen, nodes);
  const auto as_bad =
      std::upper_bound(products_.begin(), products_.end(), mine) - products_.begin();
  answer.p_value = (1 + static_cast<double>(as_bad)) / (1 + static_cast<double>(products_.size()));
  answer.incident = answer.p_value <= false_alarms;
  const auto symptom = seen.added.find(symptom_);
  const double added = symptom == seen.added.end() ? 0 : symptom->second;
  for (const std::string& node : nodes) {
    const double own = seen.own.at(node);
    answer.suspects.push_back({node, own, added > 0 ? std::min(1.0, own / added) : 0,
                               share_of(node, own), usual_.at(node), seen.level.at(node)});
  }
  return answer;
}

}  // namespace triage::stats
