#pragma once

/// The one HTTP client of triage, over libcurl (7.88): all requests of a batch run in parallel over
/// one multi handle, with retries, a size budget and a time budget, and each is noted in
/// Session::touch. libcurl is loaded at the first request, because its libraries cost a start
/// longer than `triage --help` takes.
///
///   net::HttpClient client(address, options, session);
///   net::Request request;
///   request.path = "/api/v1/query";
///   request.parameters = {{"query", "up"}};
///   const net::Response response = client.send(request);  // any status; throws without an answer
///   net::require_success(response, "Prometheus");          // for bodies that say no more
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/session.h"
#include "lib/net/url.h"

namespace triage::net {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// How to talk to one server. User and password of the address are used where none are given here.
struct ClientOptions {
  std::string name = "server";  ///< of the back end, for messages and "touched"
  std::string user;             ///< HTTP basic
  std::string password;
  std::string bearer_token;  ///< wins over basic
  Pairs headers;             ///< sent with each request: X-Scope-OrgID
  std::string ca_file;       ///< PEM; empty: the system's
  std::string certificate_file;
  std::string key_file;
  bool verify_certificate = true;
  std::string proxy;  ///< empty: http_proxy, https_proxy, all_proxy, no_proxy decide
  Duration connect_timeout = std::chrono::seconds(5);
  Duration total_timeout = std::chrono::seconds(30);  ///< over all attempts of a request
  int retries = 3;                                    ///< further attempts
  Duration first_backoff = std::chrono::milliseconds(200);
  Duration most_backoff = std::chrono::seconds(5);
  std::uint64_t most_bytes = 256U << 20U;  ///< of one answer, after decompression
  int parallel = 8;                        ///< requests at the same time
};

struct Response {
  int status = 0;
  Pairs headers;  ///< names in lower case
  std::string body;
  std::uint64_t received_bytes = 0;  ///< of the body as sent, before decompression
  int attempts = 1;
  Duration elapsed{0};  ///< over all attempts, waits included
};

/// One request below the address of the client.
struct Request {
  std::string method = "GET";
  std::string path;  ///< appended to the path of the address
  Pairs parameters;  ///< encoded into the query, or into the form of a POST without a body
  Pairs headers;
  std::string body;
  bool post_when_long = false;  ///< a GET becomes a POST with a form above 2,000 bytes of query
  /// Takes the body of a 2xx answer piece by piece in place of Response::body, up to the size
  /// budget. After the first piece the request is not repeated. What it throws ends the request.
  std::function<void(std::string_view)> sink;
  /// Whether an answer is worth another attempt; empty: worth_retrying().
  std::function<bool(const Response&)> retry;
};

/// What a request of a batch gave: one of the two.
struct Answer {
  std::optional<Response> response;
  std::optional<Error> error;
  /// The response; throws the error.
  [[nodiscard]] const Response& value() const;
};

class HttpClient {
 public:
  /// Throws Error{usage} for an address that is none.
  HttpClient(std::string_view address, ClientOptions options, Session& session);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// The answer, whatever its status. Throws Error{unreachable} when none came, {refused} for a
  /// redirect to another host or a TLS refusal, {budget} for an answer that is too large or when
  /// the run's time is over, {malformed} for what is not HTTP.
  Response send(const Request& request);
  /// In the order of the requests. A failure of one does not end the others.
  std::vector<Answer> send_all(std::span<const Request> requests);

  /// The address without user and password.
  [[nodiscard]] const std::string& address() const;
  /// A shell line that repeats the request, with secrets left out.
  [[nodiscard]] std::string curl_line(const Request& request) const;

 private:
  class Batch;
  struct State;
  std::unique_ptr<State> state_;
};

/// 429, 502, 503 and 504.
bool worth_retrying(const Response& response);
/// nullptr when there is none; `name` in lower case.
const std::string* find_header(const Response& response, std::string_view name);
/// The server's clock when it answered, in seconds since 1970; nothing without a Date header.
std::optional<double> date_s(const Response& response);
/// Whether the body is a web page: a login form or a proxy's error in place of data.
bool is_web_page(const Response& response);
/// Throws for everything but 2xx with data: {refused} 401 and 403, {not_found} 404, {unreachable}
/// 429 and 5xx, {malformed} for a web page and the rest. `name` is the back end.
void require_success(const Response& response, std::string_view name);
/// "a=1&b=x%20y"
std::string encode_parameters(const Pairs& parameters);

}  // namespace triage::net
