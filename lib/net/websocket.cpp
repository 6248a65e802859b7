#include "lib/net/websocket.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include "lib/base/error.h"

namespace triage::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr auto slice = std::chrono::milliseconds(50);
constexpr std::size_t largest_message = std::size_t{1} << 30U;
constexpr std::size_t largest_body = std::size_t{1} << 20U;

/// Lets the loop work until `done`, the limit, or the end of the session. False at the limit.
template <class Done>
bool run_until(asio::io_context& loop, const Session& session, Duration limit, Done done) {
  const Duration start = session.clock().monotonic();
  while (!done()) {
    const Duration left = limit - (session.clock().monotonic() - start);
    if (left <= Duration::zero()) return false;
    loop.restart();
    loop.run_one_for(std::min<Duration>(slice, left));
    // looked at last: also a cancelled session may still say good-bye
    if (!done() && session.cancelled())
      throw Error(ErrorCode::budget, "stopped while waiting for the inspector",
                  "give it more time with --timeout");
  }
  return true;
}

/// Runs one asynchronous operation to its end; `start(handler)` begins it.
template <class Start>
void finish(asio::io_context& loop, const Session& session, Duration limit, const std::string& what,
            Start start) {
  // shared: after a time-out the operation may still end, when nobody waits for it any more
  const auto result = std::make_shared<std::optional<error_code>>();
  start([result](error_code error, auto... /*ignored*/) { *result = error; });
  if (!run_until(loop, session, limit, [&] { return result->has_value(); }))
    throw Error(ErrorCode::unreachable, what + ": no answer in time",
                "the event loop may be blocked: triage lag TARGET");
  if (**result)
    throw Error(ErrorCode::unreachable, fmt::format("{}: {}", what, (*result)->message()));
}

Tcp::endpoint loopback(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

std::string authority(std::uint16_t port) {
  return fmt::format("127.0.0.1:{}", port);
}

}  // namespace

struct WebSocket::State {
  explicit State(const Session& of) : session(of) {}

  void read_next() {
    stream.async_read(buffer, [this](error_code error, std::size_t size) {
      if (error) {
        problem = error;
        return;
      }
      received += size;
      messages.push_back(beast::buffers_to_string(buffer.data()));
      buffer.consume(buffer.size());
      // One message ahead is enough: what the program does not take, the target does not send.
      reading = false;
    });
    reading = true;
  }

  const Session& session;
  asio::io_context loop{1};
  beast::websocket::stream<Tcp::socket> stream{loop};
  beast::flat_buffer buffer;
  std::deque<std::string> messages;
  std::string outgoing;
  error_code problem;
  bool reading = false;
  std::uint64_t received = 0;
};

WebSocket::WebSocket(std::uint16_t port, const std::string& path, const Session& session,
                     Duration limit)
    : state_(std::make_unique<State>(session)) {
  State& state = *state_;
  const std::string what = fmt::format("ws://{}", authority(port));
  finish(state.loop, session, limit, what, [&](auto done) {
    state.stream.next_layer().async_connect(loopback(port), std::move(done));
  });
  error_code ignored;
  state.stream.next_layer().set_option(Tcp::no_delay(true), ignored);
  state.stream.read_message_max(largest_message);
  // Node.js ends the connection at a fragmented message (src/inspector_socket.cc).
  state.stream.auto_fragment(false);
  const std::string host = authority(port);
  finish(state.loop, session, limit, what,
         [&](auto done) { state.stream.async_handshake(host, path, std::move(done)); });
  state.stream.text(true);
}

WebSocket::~WebSocket() {
  error_code ignored;
  state_->stream.next_layer().close(ignored);
  // The handler of the pending read looks at the state: it must run before the state goes.
  state_->loop.restart();
  while (state_->loop.poll_one() > 0) {
  }
}

void WebSocket::send(std::string_view text) {
  State& state = *state_;
  if (state.problem) throw Error(ErrorCode::unreachable, "the inspector closed the connection");
  state.outgoing = text;
  finish(state.loop, state.session, std::chrono::seconds(5), "inspector", [&](auto done) {
    state.stream.async_write(asio::buffer(state.outgoing), std::move(done));
  });
}

std::optional<std::string> WebSocket::receive(Duration wait) {
  State& state = *state_;
  if (state.messages.empty() && !state.reading && !state.problem) state.read_next();
  run_until(state.loop, state.session, wait,
            [&] { return !state.messages.empty() || state.problem.failed(); });
  if (!state.messages.empty()) {
    std::string message = std::move(state.messages.front());
    state.messages.pop_front();
    return message;
  }
  const error_code closed = beast::websocket::error::closed;
  if (state.problem && state.problem.category() == closed.category() && state.problem != closed)
    throw Error(ErrorCode::malformed,
                "the inspector sent a broken frame: " + state.problem.message());
  return std::nullopt;
}

bool WebSocket::closed() const {
  return state_->problem.failed();
}

std::uint64_t WebSocket::received_bytes() const {
  return state_->received;
}

std::string get_loopback(std::uint16_t port, const std::string& path, const Session& session,
                         Duration limit) {
  const std::string what = fmt::format("http://{}{}", authority(port), path);
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, authority(port));
  request.set(http::field::connection, "close");
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(largest_body);
  asio::io_context loop{1};
  Tcp::socket socket(loop);
  finish(loop, session, limit, what,
         [&](auto done) { socket.async_connect(loopback(port), std::move(done)); });
  finish(loop, session, limit, what,
         [&](auto done) { http::async_write(socket, request, std::move(done)); });
  finish(loop, session, limit, what,
         [&](auto done) { http::async_read(socket, buffer, parser, std::move(done)); });
  if (parser.get().result() != http::status::ok)
    throw Error(ErrorCode::unreachable,
                fmt::format("{} answered {}", what, parser.get().result_int()));
  return std::move(parser.get().body());
}

}  // namespace triage::net
