#pragma once

#include <string>
#include <string_view>

namespace triage {

/// SQL with literals replaced by '?', comments and runs of blanks folded, cut at `limit` bytes: one
/// text for all calls of a statement, and no customer data in reports. Not a parser: it follows the
/// lexical rules of PostgreSQL's manual, section 4.1 (strings, E'' and $tag$ strings, numbers).
std::string normalise_statement(std::string_view sql, std::size_t limit = 200);

}  // namespace triage
