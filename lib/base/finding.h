#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/gap.h"
#include "lib/base/session.h"

namespace triage {

/// How bad it is. `unknown` means that a fact which decides was not there; it is never "ok".
enum class Severity { ok, info, warn, crit, unknown };

std::string_view name_of(Severity severity);
/// Throws Error{usage} for another word.
Severity severity_of(std::string_view name);
/// The one to show for both: crit > warn > unknown > info > ok.
Severity worse(Severity a, Severity b);

/// A place in the user's code, as an editor opens it.
struct CodeLocation {
  std::string file;         ///< path or script URL
  std::int64_t line = 0;    ///< from 1; 0 when not known
  std::int64_t column = 0;  ///< from 1, UTF-16 units; 0 when not known
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const CodeLocation* /*tag*/) {
  visit("file", self.file, "path or script URL");
  visit("line", self.line, "from 1; 0 when not known");
  visit("column", self.column, "from 1; 0 when not known");
}

/// One thing a probe noticed, worded for a person.
struct Finding {
  std::string id;                        ///< stable, snake_case: "slots_full"
  std::string severity;                  ///< name_of(Severity)
  std::string text;                      ///< one sentence with numbers and units
  std::optional<CodeLocation> location;  ///< the line that causes it, where it is known
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Finding* /*tag*/) {
  visit("id", self.id, "stable name of the rule");
  visit("severity", self.severity, "ok, info, warn, crit or unknown");
  visit("text", self.text, "one sentence with numbers and units");
  visit("location", self.location, "the line of code that causes it; null when not known");
}

/// What every result carries besides its facts.
struct Envelope {
  std::string at;      ///< RFC 3339 UTC: when the facts were read
  std::string target;  ///< what was looked at, as text: "pid 4127 (node server.js)"
  Severity severity = Severity::ok;
  std::vector<Finding> findings;  ///< worst first
  std::vector<Provenance> provenance;
  std::vector<Gap> gaps;

  /// Adds a finding and raises `severity` with it.
  void find(std::string id, Severity level, std::string text,
            std::optional<CodeLocation> location = std::nullopt);
};

}  // namespace triage
