#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/option_visitor.h"
#include "lib/net/http.h"

namespace triage::net {

/// What each command with an HTTP back end lets the user say about it, besides the address.
struct HttpOptions {
  std::string user;
  std::string password;  ///< from settings (LOKI_PASSWORD); a flag would show in `ps`
  std::string password_file;
  std::string bearer_token;  ///< from settings only, as above
  std::string bearer_token_file;
  std::string tenant;  ///< X-Scope-OrgID of Loki, Mimir, Cortex and Tempo
  std::vector<std::string> headers;
  std::string ca;
  std::string cert;
  std::string key;
  bool tls_skip_verify = false;
  std::string proxy;
  std::chrono::milliseconds connect_timeout{std::chrono::seconds(5)};
  std::chrono::milliseconds http_timeout{std::chrono::seconds(30)};
  std::int64_t retries = 3;
  std::int64_t most_mib = 256;
};

/// The options of HttpOptions, for a probe's describe().
void describe(HttpOptions& options, OptionVisitor& visitor);

/// Reads the files that the options name. `name` is the back end, "Prometheus". Throws
/// Error{not_found} or {usage}.
ClientOptions client_options(const HttpOptions& options, std::string name);

}  // namespace triage::net
