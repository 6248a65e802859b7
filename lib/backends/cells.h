#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/backends/postgres.h"

/// Cells of a result as values.
namespace triage::backends {

/// Empty for NULL.
inline std::string text_of(const Cell& cell) {
  return cell.value_or(std::string());
}

/// 0 for NULL and for what is no number.
inline std::int64_t integer_of(const Cell& cell) {
  std::int64_t value = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

inline std::optional<double> number_of(const Cell& cell) {
  double value = 0;
  if (!cell || std::from_chars(cell->data(), cell->data() + cell->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

}  // namespace triage::backends
