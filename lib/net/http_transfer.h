#pragma once

/// One request on its way: a libcurl handle, what arrived so far, and when to try again.
#include <array>
#include <exception>
#include <memory>
#include <string>

#include "lib/net/http.h"
#include "lib/net/http_curl.h"

namespace triage::net {

struct CurlCloser {
  void operator()(CURL* handle) const { curl().easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};

/// Where the requests of a client go.
struct Endpoint {
  Url base;             ///< without credentials
  std::string address;  ///< the same as text, without a slash at the end
  ClientOptions options;
};

class Transfer {
 public:
  /// `run_left` is what is left of the run's time.
  Transfer(const Endpoint& endpoint, const Request& request, const Clock& clock, Duration run_left);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() = default;

  /// Prepares the handle for the next attempt.
  CURL* start();
  /// Takes the end of an attempt. True when the request is done: answer() says how; otherwise it
  /// waits until next_start().
  bool finish(CURLcode code);
  /// Ends the request from outside.
  void give_up(Error error) { answer_.error = std::move(error); }

  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  [[nodiscard]] Duration next_start() const { return next_start_; }
  [[nodiscard]] const Answer& answer() const { return answer_; }
  [[nodiscard]] Duration elapsed() const { return clock_.monotonic() - begin_; }
  [[nodiscard]] int attempts() const { return attempts_; }
  [[nodiscard]] const std::string& method() const { return method_; }
  [[nodiscard]] const Request& request() const { return request_; }

 private:
  template <class Value>
  void set(CURLoption option, Value value);
  void set_security();
  void set_credentials();
  void set_body();
  bool redirect();
  bool again(Duration least);
  [[nodiscard]] Error failure(CURLcode code) const;
  bool take(std::string_view piece);
  void take_header(std::string_view line);
  [[nodiscard]] long number(CURLINFO info) const;

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);

  const Endpoint& endpoint_;
  const Request& request_;
  const Clock& clock_;
  std::unique_ptr<CURL, CurlCloser> handle_;
  std::unique_ptr<curl_slist, CurlCloser> headers_;
  std::array<char, CURL_ERROR_SIZE> message_{};
  std::string url_;
  std::string method_;
  std::string body_;
  bool form_ = false;
  Duration begin_;
  Duration deadline_;
  bool run_bound_ = false;  ///< the run's time ends before that of the request
  Duration next_start_{0};
  int attempts_ = 0;
  int redirects_ = 0;
  std::uint64_t taken_ = 0;  ///< bytes of the body in this attempt
  bool sink_used_ = false;
  bool too_large_ = false;
  std::exception_ptr thrown_;
  Response response_;
  Answer answer_;
};

}  // namespace triage::net
