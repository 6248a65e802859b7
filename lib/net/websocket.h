#pragma once

/// A WebSocket client (RFC 6455) and a plain HTTP GET for the loopback interface: V8's inspector.
///
///   WebSocket socket(9229, "/2f1c...", session);
///   socket.send(R"({"id":1,"method":"Runtime.enable"})");
///   std::optional<std::string> message = socket.receive(std::chrono::seconds(5));
///
/// It waits for minutes without a byte when asked to, takes messages of up to a gigabyte, and looks
/// every 50 ms whether the session was cancelled. It connects to 127.0.0.1 and nowhere else.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/session.h"

namespace triage::net {

class WebSocket {
 public:
  /// Connects and shakes hands within `limit`. `path` starts with '/'. Throws Error{unreachable}
  /// when nobody listens or the answer is no WebSocket, Error{budget} when the session was
  /// cancelled.
  WebSocket(std::uint16_t port, const std::string& path, const Session& session,
            Duration limit = std::chrono::seconds(5));
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;
  ~WebSocket();

  /// Sends one text message. Throws Error{unreachable} when the peer has gone.
  void send(std::string_view text);
  /// The next message; nothing when none came within `wait` or the peer closed: see closed().
  /// A message that has begun is kept for the next call. Throws Error{budget} when cancelled,
  /// Error{malformed} for a broken frame.
  std::optional<std::string> receive(Duration wait);
  [[nodiscard]] bool closed() const;
  [[nodiscard]] std::uint64_t received_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The body of GET http://127.0.0.1:<port><path>, at most 1 MiB. Throws Error{unreachable} when it
/// does not answer 200 within `limit`.
std::string get_loopback(std::uint16_t port, const std::string& path, const Session& session,
                         Duration limit = std::chrono::seconds(2));

}  // namespace triage::net
