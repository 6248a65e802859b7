#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/finding.h"
#include "lib/probes/text_matcher.h"

/// Which text in a log means what. Several texts per id, since libraries word the same event
/// differently; the text decides which side of a connection timed out.
namespace triage::probes::logs {

struct Signature {
  std::string id;       ///< "pool.acquire_timeout"
  std::string meaning;  ///< one sentence
  Severity severity = Severity::warn;
  std::vector<std::string> texts;  ///< any of them, case matters
};

/// Grows with every change of a text or id; part of each result.
constexpr std::int64_t signature_table_version = 1;

/// The built-in table, texts taken from the sources of the releases named beside them.
std::vector<Signature> builtin_signatures();

/// Adds the lines of an extension file to `table`: "id: text", several lines per id, "#" comments.
/// Text of an id that exists already is added to it. Throws Error{usage} with `where` and the line
/// for a line of another form, and when there are more than 64 ids.
void extend_signatures(std::vector<Signature>& table, std::string_view text,
                       const std::string& where);

/// Bit n of its answer is row n of `table`.
TextMatcher matcher_of(const std::vector<Signature>& table);

}  // namespace triage::probes::logs
