#pragma once

#include <string>
#include <vector>

#include "lib/base/json_fwd.h"

namespace triage::testing {

/// What a finished program left.
struct CommandResult {
  int exit_code = -1;  ///< 128 + n when a signal ended it
  std::string out;
  std::string error;
};

/// Runs a program to its end with the given extra environment ("NAME=value"); its standard input is
/// empty unless `input` is given.
CommandResult run_command(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {},
                          const std::string& input = {});

/// The same for the triage that was built, with no settings of the user. JSON on stdout that names
/// a schema is validated against `triage schema`, and each of its figures must be covered by its
/// provenance; a violation is a test failure.
CommandResult run_triage(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment = {},
                         const std::string& input = {});

/// Places where `document` breaks `schema` (the subset that schema_of() writes), as "path: why".
std::vector<std::string> schema_violations(const Json& document, const Json& schema,
                                           const std::string& path = "$");

/// A file in a directory of its own, gone at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Writes a file below the directory and gives its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace triage::testing
