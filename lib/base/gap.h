#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/error.h"

namespace triage {

/// A fact that could not be read. The fact itself is `null` in JSON and `unknown` in text.
struct Gap {
  std::string what;    ///< the JSON key of the missing fact, "a.b" for nested ones
  std::string code;    ///< name_of(ErrorCode)
  std::string why;     ///< one sentence
  std::string remedy;  ///< what the user can do, or empty
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Gap* /*tag*/) {
  visit("what", self.what, "JSON key of the fact that is missing");
  visit("code", self.code, "kind of failure");
  visit("why", self.why, "why it is missing");
  visit("remedy", self.remedy, "what the user can do");
}

/// Runs `read`; when it throws an Error, notes the gap and gives nothing. This is the only place
/// inside a probe where an Error is caught.
template <class Read>
auto attempt(std::vector<Gap>& gaps, std::string what, Read&& read)
    -> std::optional<decltype(read())> {
  try {
    return std::forward<Read>(read)();
  } catch (const Error& error) {
    gaps.push_back(
        {std::move(what), std::string(name_of(error.code())), error.what(), error.remedy()});
    return std::nullopt;
  }
}

}  // namespace triage
