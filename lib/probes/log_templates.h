#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Mines the templates of log messages, for logs of any writer with one configuration and without a
/// training phase.
///
/// A message is reduced to its skeleton (log_skeleton.h) in one pass and counted under it: a hash
/// look-up per line. merge() then looks at the distinct skeletons only. A word is a parameter when
/// enough different words stand at its place in otherwise equal skeletons, or when skeletons have a
/// parameter there already. The idea of grouping by what stays equal is of Drain (He et al., ICWS
/// 2017), that of judging a place by the number of its words of IPLoM (Makanju et al., KDD 2009)
/// and Brain (Yu et al., TSC 2023).
///
///   TemplateMiner miner;
///   std::size_t slot = miner.add("open 10.0.0.1:80");   // count by slot
///   std::vector<std::size_t> moved = miner.merge();     // old slot -> new slot
///   miner.text(moved[slot]);                            // "open <*>"
namespace triage::probes::logs {

class TemplateMiner {
 public:
  /// Distinct skeletons that are kept; memory is at most this times longest_message and some words.
  static constexpr std::size_t most_skeletons = 20'000;
  /// Where messages go that came when there was no room; slot 0 has no text of its own.
  static constexpr std::size_t other = 0;

  TemplateMiner();

  /// The slot of the message; stays valid until merge().
  std::size_t add(std::string_view message);
  /// True when merge() should make room.
  [[nodiscard]] bool full() const { return texts_.size() >= most_skeletons; }
  /// Merges slots that are one template. The answer maps each slot to its new one. When most slots
  /// are left all the same, the rarest half goes to `other`: `counts` (by slot) tells which.
  std::vector<std::size_t> merge(const std::vector<std::int64_t>& counts);

  [[nodiscard]] std::size_t size() const { return texts_.size(); }
  /// With "<*>" for a parameter; "(other)" for slot 0.
  [[nodiscard]] std::string text(std::size_t slot) const;

 private:
  std::size_t find_or_insert(std::string_view skeleton);
  void rehash();

  std::string skeleton_;  ///< of the message at hand
  std::vector<std::string> texts_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> table_;  ///< open addressing: slot, 0 for a free place
};

}  // namespace triage::probes::logs
