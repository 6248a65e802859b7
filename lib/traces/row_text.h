#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "lib/traces/span_table.h"

/// What the analyses share: from numbers to rows.
namespace triage::traces {

inline double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

inline std::string text_of(const SpanTable& spans, TextIndex index) {
  return std::string(spans.texts[index]);
}

/// A message as a group: long numbers and hexadecimal ids become '*', cut at 200 bytes.
std::string message_group(std::string_view message);

template <class Row, class Key>
void sort_rows(std::vector<Row>& rows, Key&& key) {
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return key(a) < key(b); });
}

}  // namespace triage::traces
