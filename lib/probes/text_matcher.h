#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triage::probes::logs {

/// Finds many fixed texts in one pass over a line (Aho and Corasick 1975, as a full automaton: one
/// table look-up per byte, whatever the number of texts). Case matters. Texts are grouped: a match
/// reports the group, once per line.
class TextMatcher {
 public:
  struct Text {
    std::string text;         ///< empty ones are ignored
    std::uint32_t group = 0;  ///< 0..63
  };

  explicit TextMatcher(const std::vector<Text>& texts);

  /// Bit n is set when a text of group n occurs in `line`.
  [[nodiscard]] std::uint64_t groups_in(std::string_view line) const;

 private:
  void number_bytes(const std::vector<Text>& texts);
  std::uint32_t add_state();
  void insert(const Text& text);
  void link_failures();

  std::array<std::uint8_t, 256> byte_class_{};  ///< 0: in no text
  std::uint32_t class_count_ = 1;
  std::vector<std::uint32_t> next_;    ///< [state * class_count_ + class] -> row of the next state
  std::vector<std::uint64_t> groups_;  ///< per state, own and by failure links
};

}  // namespace triage::probes::logs
