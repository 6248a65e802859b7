#include "lib/net/http_options.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

namespace triage::net {
namespace {

/// A secret in a file, without the line end that editors leave.
std::string read_secret(const std::string& path, std::string_view option) {
  std::ifstream stream(path);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    throw Error(ErrorCode::not_found, fmt::format("--{}: cannot read {}", option, path),
                "check the path and its permissions");
  std::string secret = text.str();
  while (!secret.empty() && static_cast<unsigned char>(secret.back()) <= ' ') secret.pop_back();
  if (secret.find_first_of("\r\n") != std::string::npos)
    throw Error(ErrorCode::usage, fmt::format("--{}: {} has several lines", option, path),
                "the file holds the secret alone");
  return secret;
}

void check_readable(const std::string& path, std::string_view option) {
  if (!path.empty() && !std::ifstream(path))
    throw Error(ErrorCode::not_found, fmt::format("--{}: cannot read {}", option, path),
                "check the path and its permissions");
}

std::pair<std::string, std::string> header_of(const std::string& line) {
  const auto colon = line.find(':');
  if (colon == std::string::npos || colon == 0 || line.find_first_of("\r\n") != std::string::npos)
    throw Error(ErrorCode::usage, fmt::format("--header: '{}' is no header", line),
                "write it as 'Name: value'");
  const auto value = line.find_first_not_of(' ', colon + 1);
  return {line.substr(0, colon), value == std::string::npos ? "" : line.substr(value)};
}

}  // namespace

void describe(HttpOptions& options, OptionVisitor& visitor) {
  const auto text = [&](const char* name, const char* help, const char* placeholder,
                        std::string& value) {
    visitor.visit({name, help, placeholder, {}, false, false, 0}, value);
  };
  text("user", "user for HTTP basic authentication", "NAME", options.user);
  text("password-file", "file with its password", "FILE", options.password_file);
  text("password", "its password; better as setting or file than as flag", "TEXT",
       options.password);
  text("bearer-token-file", "file with a bearer token", "FILE", options.bearer_token_file);
  text("bearer-token", "bearer token; better as setting or file than as flag", "TEXT",
       options.bearer_token);
  text("tenant", "tenant, sent as X-Scope-OrgID", "ID", options.tenant);
  visitor.visit({"header", "further header with each request", "LINE", {}, false, false, 0},
                options.headers);
  text("ca", "certificate authorities (PEM)", "FILE", options.ca);
  text("cert", "client certificate (PEM)", "FILE", options.cert);
  text("key", "its key (PEM)", "FILE", options.key);
  visitor.visit({"tls-skip-verify", "accept any certificate", "", {}, false, false, 0},
                options.tls_skip_verify);
  text("proxy", "proxy; default: http_proxy, https_proxy, no_proxy", "URL", options.proxy);
  visitor.visit({"connect-timeout", "time to connect", "TIME", {}, false, false, 0},
                options.connect_timeout);
  visitor.visit(
      {"http-timeout", "time for one request with its retries", "TIME", {}, false, false, 0},
      options.http_timeout);
  visitor.visit({"retries",
                 "further attempts after 429, 502, 503, 504 or no connection",
                 "N",
                 {},
                 false,
                 false,
                 0},
                options.retries);
  visitor.visit({"most-mib", "largest answer that is read", "MIB", {}, false, false, 0},
                options.most_mib);
}

ClientOptions client_options(const HttpOptions& options, std::string name) {
  if (options.http_timeout.count() <= 0 || options.connect_timeout.count() <= 0)
    throw Error(ErrorCode::usage, "--http-timeout and --connect-timeout must be above 0");
  if (options.retries < 0 || options.retries > 20 || options.most_mib < 1)
    throw Error(ErrorCode::usage, "--retries is 0 to 20, --most-mib at least 1");
  ClientOptions client;
  client.name = std::move(name);
  client.user = options.user;
  client.password = options.password_file.empty()
                        ? options.password
                        : read_secret(options.password_file, "password-file");
  client.bearer_token = options.bearer_token_file.empty()
                            ? options.bearer_token
                            : read_secret(options.bearer_token_file, "bearer-token-file");
  if (!options.tenant.empty()) client.headers.emplace_back("X-Scope-OrgID", options.tenant);
  for (const std::string& line : options.headers) client.headers.push_back(header_of(line));
  check_readable(options.ca, "ca");
  check_readable(options.cert, "cert");
  check_readable(options.key, "key");
  client.ca_file = options.ca;
  client.certificate_file = options.cert;
  client.key_file = options.key;
  client.verify_certificate = !options.tls_skip_verify;
  client.proxy = options.proxy;
  client.connect_timeout = options.connect_timeout;
  client.total_timeout = options.http_timeout;
  client.retries = static_cast<int>(options.retries);
  client.most_bytes = static_cast<std::uint64_t>(options.most_mib) << 20U;
  return client;
}

}  // namespace triage::net
