#pragma once

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

/// One thing a probe noticed, worded for a person.
struct Finding {
  std::string id;        ///< stable, snake_case: "slots_full"
  std::string severity;  ///< name_of(Severity)
  std::string text;      ///< one sentence with numbers and units
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Finding* /*tag*/) {
  visit("id", self.id, "stable name of the rule");
  visit("severity", self.severity, "ok, info, warn, crit or unknown");
  visit("text", self.text, "one sentence with numbers and units");
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
  void find(std::string id, Severity level, std::string text);
};

}  // namespace triage
