#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lib/os/fd.h"

namespace triage::testing {

/// A request as it arrived.
struct ReceivedRequest {
  std::string method;
  std::string target;                                  ///< path and query, as sent
  std::string path;                                    ///< decoded, without the query
  std::multimap<std::string, std::string> parameters;  ///< decoded: of the query and of a form body
  std::map<std::string, std::string> headers;          ///< names in lower case
  std::string body;

  [[nodiscard]] std::string parameter(const std::string& name) const;  ///< empty when absent
  [[nodiscard]] std::string header(const std::string& name) const;
};

/// What the server does with a request.
struct ScriptedAnswer {
  enum class Behaviour {
    answer,
    hang,      ///< says nothing until the server ends
    reset,     ///< closes with a TCP reset
    endless,   ///< the body is repeated for ever
    half,      ///< announces twice the body's length, then closes
    not_http,  ///< sends the body without a status line
  };
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Behaviour behaviour = Behaviour::answer;
};

/// A loopback HTTP/1.1 server of the test's own on a free port, one thread per connection, stopped
/// with the object. The handler runs in those threads, one call at a time.
class HttpServer {
 public:
  using Handler = std::function<ScriptedAnswer(const ReceivedRequest&)>;

  explicit HttpServer(Handler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const;  ///< "http://127.0.0.1:4711"
  [[nodiscard]] std::vector<ReceivedRequest> requests() const;

 private:
  void accept_all();
  void serve(int fd);
  bool answer(int fd, const ReceivedRequest& request);

  Handler handler_;
  os::Fd listener_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<ReceivedRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

/// Answers from recordings: JSON files {request {method, path}, response {status, headers,
/// body_text | body_base64}} below `folder` (relative to tests/data). A request matches when path
/// and decoded parameters are equal, whether they came in the query or in a form; what was not
/// recorded gets status 599 and a body that names it.
HttpServer::Handler recorded_answers(const std::string& folder);

}  // namespace triage::testing
