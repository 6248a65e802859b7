#include "lib/base/statement_text.h"

#include <algorithm>
#include <cctype>

namespace triage {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The end of the quoted text that begins at `at`; doubled quotes belong to it.
std::size_t end_of_quoted(std::string_view sql, std::size_t at, bool escapes) {
  const char quote = sql[at];
  for (std::size_t i = at + 1; i < sql.size(); ++i) {
    if (escapes && sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      if (i + 1 >= sql.size() || sql[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return sql.size();
}

/// The end of "$tag$ ... $tag$", or `at` when there is none ("$1" is a parameter).
std::size_t end_of_dollar(std::string_view sql, std::size_t at) {
  std::size_t close = at + 1;
  while (close < sql.size() && is_word(sql[close])) ++close;
  const bool digit =
      at + 1 < sql.size() && std::isdigit(static_cast<unsigned char>(sql[at + 1])) != 0;
  if (close >= sql.size() || sql[close] != '$' || digit) return at;
  const std::string_view tag = sql.substr(at, close - at + 1);
  const std::size_t end = sql.find(tag, close + 1);
  return end == std::string_view::npos ? sql.size() : end + tag.size();
}

std::size_t end_of_comment(std::string_view sql, std::size_t at) {
  const bool line = sql[at] == '-';
  const std::size_t end = sql.find(line ? "\n" : "*/", at + 2);
  if (end == std::string_view::npos) return sql.size();
  return line ? end : end + 2;
}

bool starts_comment(std::string_view sql, std::size_t at) {
  const std::string_view two = sql.substr(at, 2);
  return two == "--" || two == "/*";
}

}  // namespace

std::string normalise_statement(std::string_view sql, std::size_t limit) {
  std::string out;
  std::size_t at = 0;
  while (at < sql.size() && out.size() < limit) {
    const char c = sql[at];
    const bool after_word = !out.empty() && is_word(out.back());
    if (starts_comment(sql, at)) {
      at = end_of_comment(sql, at);
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      ++at;
    } else if (c == '\'') {
      const bool escapes = !out.empty() && (out.back() == 'E' || out.back() == 'e');
      at = end_of_quoted(sql, at, escapes);
      out += '?';
    } else if (c == '"') {
      const std::size_t end = end_of_quoted(sql, at, false);
      out += sql.substr(at, end - at);
      at = end;
    } else if (c == '$' && end_of_dollar(sql, at) != at) {
      at = end_of_dollar(sql, at);
      out += '?';
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 && !after_word &&
               (out.empty() || out.back() != '$')) {
      while (at < sql.size() && (is_word(sql[at]) || sql[at] == '.')) ++at;
      out += '?';
    } else {
      out += c;
      ++at;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace triage
