#pragma once

/// Adds up over many stalls which function of the user took how much of their time.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/probes/lag.h"
#include "lib/probes/lag_words.h"

namespace triage::probes::lag {

class CulpritTable {
 public:
  /// Takes in an explained stall; the index of the stack that shows its culprit, in stacks().
  std::optional<std::int64_t> add(const ObservedStall& stall, const std::vector<Part>& parts);
  /// Most time first.
  [[nodiscard]] std::vector<Culprit> culprits() const;
  [[nodiscard]] const std::vector<Stack>& stacks() const { return stacks_; }

 private:
  /// What was seen of one function.
  struct Row {
    Culprit culprit;
    std::map<std::string, double> words;      ///< time by word
    std::map<std::string, double> locations;  ///< time by line
    std::map<std::string, double> details;    ///< time by detail
  };
  std::int64_t index_of(const SeenStack& stack);

  std::map<std::string, Row> rows_;
  std::vector<Stack> stacks_;
  std::map<std::string, std::int64_t> known_stacks_;
  double total_ms_ = 0;
};

}  // namespace triage::probes::lag
