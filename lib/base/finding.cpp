#include "lib/base/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/error.h"

namespace triage {
namespace {

constexpr std::array<std::pair<Severity, std::string_view>, 5> names{{
    {Severity::ok, "ok"},
    {Severity::info, "info"},
    {Severity::warn, "warn"},
    {Severity::crit, "crit"},
    {Severity::unknown, "unknown"},
}};

int rank(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return 0;
    case Severity::info:
      return 1;
    case Severity::unknown:
      return 2;
    case Severity::warn:
      return 3;
    case Severity::crit:
      return 4;
  }
  return 0;
}

}  // namespace

std::string_view name_of(Severity severity) {
  for (const auto& [value, name] : names)
    if (value == severity) return name;
  return "unknown";
}

Severity severity_of(std::string_view name) {
  for (const auto& [value, text] : names)
    if (text == name) return value;
  throw Error(ErrorCode::usage, fmt::format("'{}' is not a severity", name),
              "use ok, info, warn, crit or unknown");
}

Severity worse(Severity a, Severity b) {
  return rank(a) >= rank(b) ? a : b;
}

void Envelope::find(std::string id, Severity level, std::string text,
                    std::optional<CodeLocation> location) {
  severity = worse(severity, level);
  const auto place = std::find_if(findings.begin(), findings.end(), [&](const Finding& other) {
    return rank(severity_of(other.severity)) < rank(level);
  });
  findings.insert(
      place, {std::move(id), std::string(name_of(level)), std::move(text), std::move(location)});
}

}  // namespace triage
