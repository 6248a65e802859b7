#pragma once

#include <array>
#include <string_view>

namespace triage {

struct ExitLine {
  int code;
  std::string_view meaning;
};

/// The one table of exit codes that help, man pages and README show.
inline constexpr std::array<ExitLine, 8> exit_lines{{
    {0, "ran to the end; nothing at or above --fail-on"},
    {1, "ran to the end; a finding at or above --fail-on (default crit)"},
    {2, "wrong usage, configuration or runbook; nothing was touched"},
    {3, "inconclusive: needed evidence is missing"},
    {4, "target or back end not found or not reachable"},
    {5, "refused: permission or a safety budget; the remedy is printed"},
    {6, "time or space used up; the partial result was written"},
    {7, "a source answered nonsense, or a bug of triage"},
}};

}  // namespace triage
