#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace triage {

/// What kind of failure it is; tools/exit_code.cpp maps each to the documented exit code.
enum class ErrorCode {
  usage,        ///< wrong flag, configuration or runbook; nothing was touched (2)
  not_found,    ///< the target or a file does not exist (4)
  unreachable,  ///< a back end does not answer (4)
  refused,      ///< permission, or a safety budget would be exceeded (5)
  budget,       ///< the time or cost budget is used up; what was found is kept (6)
  malformed,    ///< a source answered nonsense (7)
  internal,     ///< a broken invariant of ours (7)
};

std::string_view name_of(ErrorCode code);
/// The inverse of name_of; an unknown name gives `internal`.
ErrorCode error_code_of(std::string_view name);

/// The one exception type of triage. `what` says what failed and where; `remedy` is one line that
/// the user can act on, or empty when there is none.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::string remedy = {})
      : std::runtime_error(what), code_(code), remedy_(std::move(remedy)) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }

 private:
  ErrorCode code_;
  std::string remedy_;
};

}  // namespace triage
