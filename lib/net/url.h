#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace triage::net {

/// An absolute http, https or ws address, taken apart (RFC 3986, without the fragment).
struct Url {
  std::string scheme;  ///< lower case
  std::string user;    ///< decoded; empty when there is none
  std::string password;
  std::string host;  ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string path;   ///< "/" at least, as written
  std::string query;  ///< without '?', as written
};

/// Throws Error{usage} that names `where` when the text is no such address. A missing scheme is
/// http.
Url parse_url(std::string_view text, std::string_view where);

/// The address without user and password, for messages and links.
std::string to_string(const Url& url);

/// Percent-encodes everything but RFC 3986's unreserved characters.
std::string encode_component(std::string_view text);

}  // namespace triage::net
