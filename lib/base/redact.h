#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/base/json_fwd.h"

/// Takes secrets out of texts before they leave the program.
///
///   Redactor redactor({.enabled = true});
///   report text = redactor.apply(text);      // "postgres://app:***@db/orders"
///   document    = redactor.apply(document);  // also values of keys such as "password"
///
/// It knows secrets by their place (key, URL, header) or by their shape (JWT, private key, AWS key,
/// tokens with a vendor's prefix). A secret in free prose is not found. Linear in the text.
namespace triage {

struct RedactionOptions {
  bool enabled = true;
  bool addresses = false;  ///< also e-mail and IP addresses, as stable tokens <email:1> <ip:2>
};

/// Equal addresses get the same token for the life of the object. Not safe for several threads.
class Redactor {
 public:
  explicit Redactor(RedactionOptions options = {}) : options_(options) {}

  [[nodiscard]] std::string apply(std::string_view text);
  /// Every text inside, and every value whose key is a secret's name; null, true, false and empty
  /// texts stay. Keys and the order are kept.
  [[nodiscard]] Json apply(const Json& document);
  /// How often each rule hit: authorization, api_token, aws_key, email, ip, jwt, private_key,
  /// secret_value, url_password.
  [[nodiscard]] const std::map<std::string, std::int64_t>& hits() const { return hits_; }

  void count(std::string_view rule) { ++hits_[std::string(rule)]; }
  /// "<ip:2>": the same for the same address.
  [[nodiscard]] std::string token_of(std::string_view kind, std::string_view address);
  [[nodiscard]] const RedactionOptions& options() const { return options_; }

 private:
  RedactionOptions options_;
  std::map<std::string, std::int64_t> hits_;
  std::map<std::string, std::map<std::string, std::int64_t, std::less<>>, std::less<>> tokens_;
};

/// Whether a key of this name holds a secret: "DB_PASSWORD", "apiKey", "set-cookie",
/// "x.auth_token".
bool is_secret_name(std::string_view name);

}  // namespace triage
