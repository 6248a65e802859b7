#include "lib/probes/text_matcher.h"

#include <doctest/doctest.h>

using triage::probes::logs::TextMatcher;

TEST_CASE("text_matcher: texts inside of each other and over each other are all found") {
  const TextMatcher matcher({{"she", 0}, {"he", 1}, {"hers", 2}, {"his", 3}});
  CHECK(matcher.groups_in("ushers") == 0b0111);
  CHECK(matcher.groups_in("ahishe") == 0b1011);
  CHECK(matcher.groups_in("h e r s") == 0);
  CHECK(matcher.groups_in("") == 0);
}

TEST_CASE("text_matcher: a failed longer text does not hide a shorter one") {
  const TextMatcher matcher({{"aab", 0}, {"ab", 1}, {"aac", 2}});
  CHECK(matcher.groups_in("aaac") == 0b100);
  CHECK(matcher.groups_in("aaab") == 0b011);
}

TEST_CASE("text_matcher: bytes of every value are texts, empty texts are none") {
  const TextMatcher matcher({{"", 0}, {std::string("\0\xFF", 2), 63}});
  CHECK(matcher.groups_in(std::string_view("x\0\xFFy", 4)) == std::uint64_t{1} << 63U);
  CHECK(matcher.groups_in("xyz") == 0);
  CHECK(TextMatcher({}).groups_in("xyz") == 0);
}

TEST_CASE("text_matcher: it finds what a plain search finds") {
  const std::vector<std::string> texts{"aba", "bab", "abcab", "cc", "a", "bca"};
  std::vector<TextMatcher::Text> rows;
  for (std::size_t i = 0; i < texts.size(); ++i)
    rows.push_back({texts[i], static_cast<std::uint32_t>(i)});
  const TextMatcher matcher(rows);
  std::uint32_t random = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string line;
    for (int i = 0; i < 12; ++i) {
      random = random * 1664525U + 1013904223U;
      line += "abcd"[(random >> 24U) % 4];
    }
    std::uint64_t wanted = 0;
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (line.find(texts[i]) != std::string::npos) wanted |= std::uint64_t{1} << i;
    CHECK(matcher.groups_in(line) == wanted);
  }
}
