#include "lib/probes/log_template_merge.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "lib/probes/log_skeleton.h"

namespace triage::probes::logs {
namespace {

/// Different words at one place that make it a parameter, when three or more words beside it are
/// equal; fewer equal words ask for more evidence.
constexpr std::size_t enough_words = 5;
constexpr std::size_t enough_words_short = 9;
constexpr std::size_t enough_equal = 3;
constexpr int most_rounds = 6;

using Piece = std::uint32_t;
constexpr Piece parameter_piece = 0;

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32U;
  value *= 0xd6e8feb86659fd93U;
  value ^= value >> 32U;
  value *= 0xd6e8feb86659fd93U;
  return value ^ (value >> 32U);
}

/// Words and what parts them, by number.
class Pieces {
 public:
  Pieces() { intern(std::string(1, parameter_mark)); }

  std::vector<Piece> split(std::string_view text) {
    std::vector<Piece> list;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at + 1;
      if (!parts_words(text[at]))
        while (end < text.size() && !parts_words(text[end])) ++end;
      list.push_back(intern(std::string(text.substr(at, end - at))));
      at = end;
    }
    return list;
  }

  [[nodiscard]] std::string join(const std::vector<Piece>& list) const {
    std::string text;
    for (const Piece piece : list) text += texts_[piece];
    return text;
  }

  [[nodiscard]] bool is_word(Piece piece) const { return words_[piece]; }

 private:
  Piece intern(std::string text) {
    const auto [place, added] = numbers_.try_emplace(text, static_cast<Piece>(texts_.size()));
    if (added) {
      words_.push_back(!parts_words(text.front()));
      texts_.push_back(std::move(text));
    }
    return place->second;
  }

  std::unordered_map<std::string, Piece> numbers_;
  std::vector<std::string> texts_;
  std::vector<bool> words_;
};

/// Skeletons that are equal but for one place.
struct Candidate {
  std::size_t place = 0;
  std::size_t equal_words = 0;  ///< beside the place
  bool has_parameter = false;   ///< one of them has a parameter at the place
  std::vector<std::size_t> members;
};

class Merger {
 public:
  explicit Merger(const std::vector<std::string>& skeletons) {
    templates_.reserve(skeletons.size());
    for (const auto& skeleton : skeletons) templates_.push_back(pieces_.split(skeleton));
    leader_.resize(skeletons.size());
    for (std::size_t i = 0; i < leader_.size(); ++i) leader_[i] = i;
    active_ = leader_;
  }

  std::vector<std::string> run() {
    for (int round = 0; round < most_rounds && merge_round(); ++round) drop_duplicates();
    std::vector<std::string> result;
    result.reserve(leader_.size());
    for (std::size_t i = 0; i < leader_.size(); ++i)
      result.push_back(pieces_.join(templates_[leader_of(i)]));
    return result;
  }

 private:
  std::size_t leader_of(std::size_t index) {
    while (leader_[index] != index) index = leader_[index] = leader_[leader_[index]];
    return index;
  }

  [[nodiscard]] bool replaceable(Piece piece) const {
    return piece == parameter_piece || pieces_.is_word(piece);
  }

  /// Leave-one-out: the sum of the hashes of all places without one place's is the key of what
  /// stays equal.
  void add_candidates(std::size_t index, std::unordered_map<std::uint64_t, Candidate>& found) {
    const auto& list = templates_[index];
    std::uint64_t sum = mix(list.size());
    std::size_t words = 0;
    const auto hash_at = [&](std::size_t place) {
      return mix((static_cast<std::uint64_t>(list[place]) << 20U) + place + 1);
    };
    for (std::size_t place = 0; place < list.size(); ++place) {
      sum += hash_at(place);
      if (pieces_.is_word(list[place])) ++words;
    }
    for (std::size_t place = 0; place < list.size(); ++place) {
      if (!replaceable(list[place])) continue;
      const bool parameter = list[place] == parameter_piece;
      const std::size_t equal = parameter ? words : words - 1;
      if (equal == 0) continue;
      auto& candidate = found[mix(sum - hash_at(place) + place)];
      candidate.place = place;
      candidate.equal_words = equal;
      candidate.has_parameter = candidate.has_parameter || parameter;
      candidate.members.push_back(index);
    }
  }

  static bool is_enough(const Candidate& candidate) {
    const bool many_equal = candidate.equal_words >= enough_equal;
    if (candidate.has_parameter && candidate.members.size() > 1)
      return many_equal || candidate.members.size() >= enough_words;
    return candidate.members.size() >= (many_equal ? enough_words : enough_words_short);
  }

  bool merge_round() {
    std::unordered_map<std::uint64_t, Candidate> found;
    for (const std::size_t index : active_) add_candidates(index, found);
    std::vector<Candidate> candidates;
    for (auto& [key, candidate] : found)
      if (is_enough(candidate)) candidates.push_back(std::move(candidate));
    // The most evident first; the order of a hash table must not show in the result.
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      if (a.members.size() != b.members.size()) return a.members.size() > b.members.size();
      if (a.members.front() != b.members.front()) return a.members.front() < b.members.front();
      return a.place < b.place;
    });
    std::vector<bool> changed(templates_.size());
    bool any = false;
    for (auto& candidate : candidates) any = apply(candidate, changed) || any;
    return any;
  }

  bool apply(Candidate& candidate, std::vector<bool>& changed) {
    std::erase_if(candidate.members, [&](std::size_t index) { return changed[index]; });
    if (!is_enough(candidate)) return false;
    for (const std::size_t index : candidate.members) {
      templates_[index][candidate.place] = parameter_piece;
      changed[index] = true;
    }
    return true;
  }

  void drop_duplicates() {
    std::unordered_map<std::string, std::size_t> first;
    std::vector<std::size_t> kept;
    for (const std::size_t index : active_) {
      const auto [place, added] = first.try_emplace(pieces_.join(templates_[index]), index);
      if (added)
        kept.push_back(index);
      else
        leader_[index] = place->second;
    }
    active_ = std::move(kept);
  }

  Pieces pieces_;
  std::vector<std::vector<Piece>> templates_;
  std::vector<std::size_t> leader_;  ///< of an index that was found equal to another
  std::vector<std::size_t> active_;
};

}  // namespace

std::vector<std::string> merged_skeletons(const std::vector<std::string>& skeletons) {
  return Merger(skeletons).run();
}

}  // namespace triage::probes::logs
