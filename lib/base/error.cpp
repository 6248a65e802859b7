#include "lib/base/error.h"

#include <array>
#include <utility>

namespace triage {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 7> names{{
    {ErrorCode::usage, "usage"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::unreachable, "unreachable"},
    {ErrorCode::refused, "refused"},
    {ErrorCode::budget, "budget"},
    {ErrorCode::malformed, "malformed"},
    {ErrorCode::internal, "internal"},
}};

}  // namespace

std::string_view name_of(ErrorCode code) {
  for (const auto& [value, name] : names)
    if (value == code) return name;
  return "internal";
}

ErrorCode error_code_of(std::string_view name) {
  for (const auto& [value, text] : names)
    if (text == name) return value;
  return ErrorCode::internal;
}

}  // namespace triage
