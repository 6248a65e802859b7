#pragma once

#include <span>
#include <string_view>

/// Files compiled into the program by triage_embed() of cmake/TriageEmbed.cmake.
namespace triage::embedded {

struct File {
  std::string_view name;  ///< file name without its folder
  std::string_view text;
};

std::span<const File> runbooks();  ///< scenarios/runbooks/*.yaml

}  // namespace triage::embedded
