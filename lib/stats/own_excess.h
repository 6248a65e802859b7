#pragma once

/// Which node of a call graph causes the symptom of another: its own share of what was added, held
/// against what it adds on ordinary days.
///
/// The time a node adds is (its level - its usual level) x requests; its own part is what is left
/// when the largest such sum of its callees is paid. Whether there is an incident at all is decided
/// by the history, not by a threshold on a level: each window of the healthy record as long as the
/// one in question gives the symptom's level and each node's own part, and so the share of ordinary
/// windows that are at least as bad (Vovk et al., "Algorithmic Learning in a Random World", 2005:
/// conformal p-values). The two shares are multiplied, as Fisher combines tests, and the product is
/// again held against those of the ordinary windows. So the rate of false alarms is the only
/// parameter, and neither units nor traffic enter.
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace triage::stats {

/// One node: its level and its requests, one value per sample; NaN where unknown.
struct NodeSeries {
  std::vector<double> level;     ///< seconds, or the share of requests that fail: larger is worse
  std::vector<double> requests;  ///< empty: every sample counts the same
};

using NodeTable = std::map<std::string, NodeSeries>;
using CallGraph = std::map<std::string, std::vector<std::string>>;  ///< caller -> callees

struct Suspect {
  std::string node;
  double own = 0;          ///< level x requests that it added itself, per sample
  double explained = 0;    ///< own / what was added at the symptom's node, at most 1
  double usual_share = 1;  ///< ordinary windows in which its own part was at least as large
  double before = 0;       ///< usual level
  double after = 0;        ///< level in the window
};

struct ExcessAnswer {
  double p_value = 1;  ///< ordinary windows that look at least as much like an incident
  bool incident = false;
  std::vector<Suspect> suspects;  ///< best first; also filled when it is no incident
};

class ExcessModel {
 public:
  /// `window` samples are averaged into one look. `symptom` is a node; what it does not reach in
  /// the graph is no candidate.
  ExcessModel(const NodeTable& healthy, const CallGraph& graph, std::string symptom,
              std::size_t window);

  /// `false_alarms` is the share of ordinary windows that may be called an incident. A stretch of
  /// several windows is judged by the median of each.
  [[nodiscard]] ExcessAnswer judge(const NodeTable& now, double false_alarms) const;
  [[nodiscard]] std::size_t windows() const { return products_.size(); }

 private:
  struct Look {
    double symptom = 0;  ///< its level; NaN: unknown
    std::map<std::string, double> level;
    std::map<std::string, double> added;
    std::map<std::string, double> own;
  };
  [[nodiscard]] Look look(const NodeTable& table, std::size_t first, std::size_t count) const;
  [[nodiscard]] double share_of(const std::string& node, double own) const;
  [[nodiscard]] std::vector<std::string> order(const Look& look) const;
  [[nodiscard]] double product(const Look& look, const std::vector<std::string>& order) const;

  CallGraph graph_;
  std::string symptom_;
  std::size_t window_;
  std::vector<std::string> candidates_;
  std::map<std::string, double> usual_;              ///< median level
  std::vector<double> symptoms_;                     ///< of ordinary windows, ascending
  std::map<std::string, std::vector<double>> owns_;  ///< the same per node
  std::vector<double> products_;                     ///< the same, of the two shares
};

}  // namespace triage::stats
