#pragma once

/// A session with the V8 inspector of a running Node.js process.
///
///   Inspector inspector(procfs, process, {.allowed = true}, session);
///   Json usage = inspector.evaluate("process.memoryUsage()");
///   inspector.close();   // also in the destructor
///
/// An inspector that is open already is used as it is and left open. Otherwise SIGUSR1 opens one on
/// loopback, which this object closes again and then sees closed (docs of Node.js: "Signal events";
/// process._debugEnd()). The process that answers is asked for its pid first: the port may belong
/// to another. Code is only ever evaluated at once: nothing is scheduled in the target, execution
/// is never terminated, and Runtime.queryObjects, which walks the whole heap, is never used.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/json.h"
#include "lib/base/session.h"
#include "lib/os/procfs.h"
#include "lib/v8/inspector_message.h"

namespace triage::net {
class WebSocket;
}

namespace triage::v8 {

/// Why an inspector that is not allowed is refused; for the help of each probe that has the flag.
inline constexpr std::string_view inspector_consent_help =
    "may use the V8 inspector of the target; sends SIGUSR1 when it is not open and closes it again "
    "(a SIGUSR1 handler of the application would run instead)";

struct InspectorOptions {
  bool allowed = false;  ///< the user's consent, --allow-inspector
  Duration answer_limit = std::chrono::seconds(5);
};

class Inspector {
 public:
  /// Throws Error{refused} without consent, where the signal would do harm, and where the port is
  /// another's; Error{unreachable} when no inspector opens within 2 s: the thread is then in native
  /// code, or the application has a SIGUSR1 handler of its own.
  Inspector(const os::Procfs& procfs, const os::ProcessInfo& process,
            const InspectorOptions& options, Session& session);
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;
  /// Closes what it opened, whatever happened before, and notes it in the session.
  ~Inspector();

  /// Sends a request and gives its id; many may be under way.
  std::int64_t post(const std::string& method, const Json& params = Json::object());
  /// The answer to it. Throws Error{malformed} with the inspector's words when it refused, and
  /// Error{unreachable} when none came within `limit` (0: the usual limit).
  Json answer(std::int64_t id, Duration limit = Duration::zero());
  /// post() and answer().
  Json request(const std::string& method, const Json& params = Json::object(),
               Duration limit = Duration::zero());
  /// The value of a JavaScript expression, by JSON. Throws Error{malformed} when it throws.
  Json evaluate(const std::string& expression, bool may_have_effects = true);

  struct Event {
    std::string method;
    Json params;
  };
  /// The next event that came; nothing when none comes within `wait`.
  std::optional<Event> next_event(Duration wait);
  /// Takes the pieces of a heap snapshot as they arrive while answer() or next_event() waits.
  void on_snapshot_chunk(std::function<void(std::string_view)> sink) { sink_ = std::move(sink); }
  /// Called while answer() waits, at least ten times a second: progress.
  void on_wait(std::function<void()> wait) { wait_ = std::move(wait); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool opened_here() const { return opened_here_; }
  [[nodiscard]] std::uint64_t received_bytes() const;

  /// Ends the session; closes the inspector if it was opened here. Gives whether the process is
  /// seen not to listen on the port any more (true as well when it was open before). Idempotent.
  bool close();

 private:
  void find_port(const os::Procfs& procfs, const os::ProcessInfo& process);
  void open_by_signal(std::uint16_t wanted_port);
  void connect();
  void check_owner();
  void close_if_opened();
  bool take_message(Duration wait);
  [[nodiscard]] bool still_listens() const;

  const os::Procfs& procfs_;
  os::ProcessIdentity id_;
  InspectorOptions options_;
  Session& session_;
  std::unique_ptr<net::WebSocket> socket_;
  std::uint16_t port_ = 0;
  bool opened_here_ = false;
  bool signalled_ = false;
  bool closed_ = false;
  Duration opened_at_{0};
  std::int64_t next_id_ = 1;
  std::int64_t unanswered_ = 0;
  std::map<std::int64_t, InspectorMessage> answers_;
  std::deque<Event> events_;
  std::function<void(std::string_view)> sink_;
  std::function<void()> wait_;
};

}  // namespace triage::v8
