#include "lib/base/secret_shapes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>

#include "lib/base/redact.h"

namespace triage {
namespace shapes {
namespace {

using namespace std::string_view_literals;

char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view other) { return equal_ignoring_case(word, other); });
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_scheme(std::string_view word) {
  return is_one_of(
      std::array{"bearer"sv, "basic"sv, "digest"sv, "negotiate"sv, "token"sv, "apikey"sv}, word);
}

bool looks_random(std::string_view word) {
  if (word.size() < 8) return false;
  const auto rest = word.substr(1);
  return std::any_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '='; }) ||
         (std::any_of(rest.begin(), rest.end(), is_upper) &&
          std::any_of(rest.begin(), rest.end(), is_lower));
}

bool is_jwt(std::string_view word) {
  return word.size() >= 20 && word.starts_with("eyJ") &&
         std::count(word.begin(), word.end(), '.') >= 1;
}

bool is_aws_key(std::string_view word) {
  return word.size() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA")) &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || is_upper(c); });
}

bool is_vendor_token(std::string_view word) {
  static constexpr std::array prefixes{"ghp_"sv,  "gho_"sv,        "ghs_"sv,     "ghu_"sv,
                                       "ghr_"sv,  "github_pat_"sv, "glpat-"sv,   "xoxb-"sv,
                                       "xoxp-"sv, "xoxa-"sv,       "sk_live_"sv, "rk_live_"sv,
                                       "npm_"sv,  "AIza"sv,        "sk-"sv};
  return word.size() >= 24 && looks_random(word) &&
         std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return word.starts_with(prefix); });
}

bool is_ipv4(std::string_view word) {
  std::array<char, INET_ADDRSTRLEN> text{};
  in_addr address{};
  if (word.size() < 7 || word.size() >= text.size()) return false;
  std::copy(word.begin(), word.end(), text.begin());
  return ::inet_pton(AF_INET, text.data(), &address) == 1;
}

bool is_ipv6(std::string_view word) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr address{};
  if (word.size() < 3 || word.size() >= text.size()) return false;
  if (std::none_of(word.begin(), word.end(), is_digit)) return false;
  std::copy(word.begin(), word.end(), text.begin());
  return ::inet_pton(AF_INET6, text.data(), &address) == 1;
}

}  // namespace shapes

bool is_secret_name(std::string_view name) {
  using namespace std::string_view_literals;
  static constexpr std::array endings{
      "password"sv,   "passwd"sv,     "passphrase"sv,  "secret"sv,        "secretkey"sv,
      "apikey"sv,     "accesskey"sv,  "token"sv,       "authorization"sv, "cookie"sv,
      "privatekey"sv, "credential"sv, "credentials"sv, "sessionid"sv,     "amzsignature"sv,
      "dbpass"sv,     "dbpwd"sv,      "userpass"sv,    "connectsid"sv};
  static constexpr std::array whole{"pass"sv, "pwd"sv, "pw"sv, "auth"sv};
  // The shell's own variables name folders.
  if (name == "PWD" || name == "OLDPWD") return false;
  if (name.size() > 64) name.remove_prefix(name.size() - 64);
  std::string plain;
  for (const char c : name)
    if (shapes::is_alnum(c)) plain += shapes::lower(c);
  const auto last_part = name.substr(name.find_last_of("._-") + 1);
  return shapes::is_one_of(whole, last_part) ||
         std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view end) { return plain.ends_with(end); });
}

}  // namespace triage
