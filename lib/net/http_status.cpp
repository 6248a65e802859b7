#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "lib/net/http.h"

namespace triage::net {
namespace {

/// The first words of a body on one line, for messages.
std::string excerpt(std::string_view body) {
  constexpr std::size_t most = 160;
  std::string text;
  for (const char c : body.substr(0, most)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank) text += c;
    if (blank && !text.empty() && text.back() != ' ') text += ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

bool starts_with_word(std::string_view body, std::string_view word) {
  return body.size() >= word.size() &&
         std::equal(word.begin(), word.end(), body.begin(), [](char wanted, char c) {
           return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

}  // namespace

bool worth_retrying(const Response& response) {
  return response.status == 429 || (response.status >= 502 && response.status <= 504);
}

const std::string* find_header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return &value;
  return nullptr;
}

/// "Tue, 24 Nov 2026 07:03:50 GMT" (RFC 9110, 5.6.7)
std::optional<double> date_s(const Response& response) {
  const std::string* text = find_header(response, "date");
  std::tm parts{};
  const char* end =
      text == nullptr ? nullptr : ::strptime(text->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<double>(::timegm(&parts));
}

bool is_web_page(const Response& response) {
  std::string_view body = response.body;
  const auto start = body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (start == std::string_view::npos) return false;
  body.remove_prefix(start);
  return starts_with_word(body, "<!doctype") || starts_with_word(body, "<html");
}

void require_success(const Response& response, std::string_view name) {
  const int status = response.status;
  const std::string said = excerpt(response.body);
  const std::string text =
      fmt::format("{} answered {}{}{}", name, status, said.empty() ? "" : ": ", said);
  if (status == 401 || status == 403)
    throw Error(ErrorCode::refused,
                fmt::format("{} refused the request with {}", name,
                            status == 401 ? "401 Unauthorized" : "403 Forbidden"),
                "give --user and --password-file, --bearer-token-file or --tenant");
  if (is_web_page(response))
    throw Error(ErrorCode::malformed,
                fmt::format("{} answered {} with a web page in place of data", name, status),
                "a login page or a wrong address: check the path, give --bearer-token-file");
  if (status == 404)
    throw Error(ErrorCode::not_found, text, "is a path prefix missing in the address?");
  if (status == 429)
    throw Error(ErrorCode::unreachable, text, "the server limits requests: try again later");
  if (status >= 500) throw Error(ErrorCode::unreachable, text, "see the server's own log");
  if (status < 200 || status > 299)
    throw Error(ErrorCode::malformed, text, "check that the address is this kind of server");
}

std::string encode_parameters(const Pairs& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!text.empty()) text += '&';
    text += encode_component(name) + '=' + encode_component(value);
  }
  return text;
}

}  // namespace triage::net
