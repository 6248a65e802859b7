#include "lib/probes/text_matcher.h"

#include <algorithm>

namespace triage::probes::logs {
namespace {

constexpr std::uint32_t matched = 0x80000000U;

}  // namespace

TextMatcher::TextMatcher(const std::vector<Text>& texts) {
  number_bytes(texts);
  add_state();
  for (const auto& text : texts)
    if (!text.text.empty()) insert(text);
  link_failures();
}

void TextMatcher::number_bytes(const std::vector<Text>& texts) {
  for (const auto& text : texts)
    for (const char c : text.text) {
      auto& number = byte_class_.at(static_cast<unsigned char>(c));
      if (number == 0) number = static_cast<std::uint8_t>(class_count_++);
    }
}

std::uint32_t TextMatcher::add_state() {
  groups_.push_back(0);
  next_.resize(next_.size() + class_count_, 0);
  return static_cast<std::uint32_t>(groups_.size() - 1);
}

void TextMatcher::insert(const Text& text) {
  std::uint32_t state = 0;
  for (const char c : text.text) {
    const std::size_t cell =
        std::size_t{state} * class_count_ + byte_class_.at(static_cast<unsigned char>(c));
    if (next_[cell] == 0) {
      const std::uint32_t added = add_state();
      next_[cell] = added;
    }
    state = next_[cell];
  }
  groups_[state] |= std::uint64_t{1} << (text.group & 63U);
}

/// Breadth first: a state's failure is nearer to the root and therefore complete already. At the
/// end cells hold the row's offset instead of its number, with a bit when the row matches.
void TextMatcher::link_failures() {
  std::vector<std::uint32_t> failure(groups_.size(), 0);
  std::vector<std::uint32_t> queue{0};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const std::uint32_t state = queue[head];
    groups_[state] |= groups_[failure[state]];
    for (std::uint32_t c = 0; c < class_count_; ++c) {
      std::uint32_t& cell = next_[std::size_t{state} * class_count_ + c];
      const std::uint32_t fallback =
          state == 0 ? 0 : next_[std::size_t{failure[state]} * class_count_ + c];
      if (cell == 0) {
        cell = fallback;
      } else {
        failure[cell] = fallback;
        queue.push_back(cell);
      }
    }
  }
  for (auto& cell : next_) cell = cell * class_count_ | (groups_[cell] != 0 ? matched : 0);
}

std::uint64_t TextMatcher::groups_in(std::string_view line) const {
  std::uint64_t found = 0;
  std::uint32_t row = 0;
  for (const char c : line) {
    const std::uint32_t next = next_[row + byte_class_[static_cast<unsigned char>(c)]];
    row = next & ~matched;
    if (next != row) found |= groups_[row / class_count_];
  }
  return found;
}

}  // namespace triage::probes::logs
