#pragma once

/// What secrets and addresses look like, word by word. The pass over a text that uses them is in
/// redact.cpp.
#include <string_view>

namespace triage::shapes {

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
inline bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
inline bool is_alnum(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c);
}
inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
inline bool is_quote(char c) {
  return c == '"' || c == '\'' || c == '`';
}
inline bool is_space(char c) {
  return is_blank(c) || c == '\n' || c == '\r' || c == '\0';
}
inline bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool equal_ignoring_case(std::string_view a, std::string_view b);
/// "Bearer", "Basic", ...: what stands before credentials.
bool is_scheme(std::string_view word);
/// "Basic authentication" is prose, "Basic dXNlcjpwdw==" is not.
bool looks_random(std::string_view word);
/// header.payload.signature, each base64url; a JSON object in base64 starts with "eyJ" (RFC 7519).
bool is_jwt(std::string_view word);
/// Access key ids are 20 characters (AWS IAM user guide, "Unique identifiers").
bool is_aws_key(std::string_view word);
/// Prefixes that GitHub, GitLab, Slack, Stripe, npm, Google and OpenAI publish for secret scanners.
bool is_vendor_token(std::string_view word);
bool is_ipv4(std::string_view word);
/// A time of day has colons too, and so has C++: an address has a digit and a valid shape.
bool is_ipv6(std::string_view word);

}  // namespace triage::shapes
