#include "lib/net/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/base/error.h"

namespace triage::net {
namespace {

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (!escape) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return plain;
}

[[noreturn]] void bad(std::string_view text, std::string_view where) {
  throw Error(ErrorCode::usage, fmt::format("{}: '{}' is not an address", where, text),
              "write it as http://host:port/path");
}

std::uint16_t default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  return scheme == "https" || scheme == "wss" ? 443 : 0;
}

/// Takes the text up to the first of `ends` from the front of `rest`.
std::string_view take(std::string_view& rest, std::string_view ends) {
  const auto end = std::min(rest.find_first_of(ends), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end);
  return part;
}

void read_host(Url& url, std::string_view host) {
  const bool bracketed = !host.empty() && host.front() == '[';
  const auto close = host.find(']');
  if (bracketed && close == std::string_view::npos) return;
  const auto name = bracketed ? host.substr(1, close - 1) : host.substr(0, host.find(':'));
  url.host = name;
  host.remove_prefix(bracketed ? close + 1 : name.size());
  if (host.empty()) return;
  const auto* end = host.data() + host.size();
  const auto parsed = std::from_chars(host.data() + 1, end, url.port);
  if (host.front() != ':' || parsed.ec != std::errc() || parsed.ptr != end) url.host.clear();
}

}  // namespace

Url parse_url(std::string_view text, std::string_view where) {
  Url url;
  std::string_view rest = text;
  const auto scheme_end = rest.find("://");
  url.scheme =
      scheme_end == std::string_view::npos ? "http" : std::string(rest.substr(0, scheme_end));
  if (scheme_end != std::string_view::npos) rest.remove_prefix(scheme_end + 3);
  for (char& c : url.scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  url.port = default_port(url.scheme);
  auto authority = take(rest, "/?#");
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    auto login = authority.substr(0, at);
    url.user = decode(take(login, ":"));
    if (!login.empty()) url.password = decode(login.substr(1));
    authority.remove_prefix(at + 1);
  }
  read_host(url, authority);
  url.path = take(rest, "?#");
  if (url.path.empty()) url.path = "/";
  if (!rest.empty() && rest.front() == '?') url.query = take(rest, "#").substr(1);
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (url.host.empty() || url.port == 0 || std::any_of(text.begin(), text.end(), odd))
    bad(text, where);
  return url;
}

std::string to_string(const Url& url) {
  const bool six = url.host.find(':') != std::string::npos;
  std::string text = fmt::format("{}://{}", url.scheme, six ? "[" + url.host + "]" : url.host);
  if (url.port != default_port(url.scheme)) text += fmt::format(":{}", url.port);
  text += url.path;
  return url.query.empty() ? text : text + "?" + url.query;
}

std::string encode_component(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (unreserved(c))
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace triage::net
