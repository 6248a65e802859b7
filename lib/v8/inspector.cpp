#include "lib/v8/inspector.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "lib/base/error.h"
#include "lib/net/websocket.h"
#include "lib/os/inspector_signal.h"
#include "lib/os/socket_owner.h"
#include "lib/v8/node_flags.h"

namespace triage::v8 {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t default_port = 9229;  // Node.js documentation, --inspect-port
constexpr auto open_limit = std::chrono::seconds(2);
constexpr auto close_limit = std::chrono::seconds(2);
constexpr auto busy_close_limit = std::chrono::minutes(2);
constexpr std::size_t kept_events = 10'000;

/// What the options say of the inspector's port: 0 when it is free to choose.
std::uint16_t port_of(const NodeFlags& flags) {
  for (const char* name :
       {"--inspect-port", "--debug-port", "--inspect", "--inspect-brk", "--inspect-wait"}) {
    const auto text = flags.value(name);
    if (!text || text->empty()) continue;
    const std::size_t colon = text->rfind(':');
    const std::string number = colon == std::string::npos ? *text : text->substr(colon + 1);
    std::uint16_t port = 0;
    const char* end = number.data() + number.size();
    if (std::from_chars(number.data(), end, port).ptr == end && !number.empty()) return port;
  }
  return default_port;
}

bool started_with_inspector(const NodeFlags& flags) {
  return flags.has("--inspect") || flags.has("--inspect-brk") || flags.has("--inspect-wait");
}

/// The path of the debugger's address in the answer to /json/list; empty when it is no inspector.
std::string debugger_path(std::uint16_t port, const Session& session) {
  const Json list = parse_json(net::get_loopback(port, "/json/list", session), "/json/list");
  if (!list.is_array() || list.empty() || !list[0].is_object()) return {};
  const auto address = list[0].find("webSocketDebuggerUrl");
  if (address == list[0].end() || !address->is_string()) return {};
  const std::string text = address->get<std::string>();
  const std::size_t host = text.find("://");
  const std::size_t path = host == std::string::npos ? host : text.find('/', host + 3);
  return path == std::string::npos ? std::string() : text.substr(path);
}

/// Nothing when no inspector answers there.
std::optional<std::string> probe_port(std::uint16_t port, const Session& session) {
  std::vector<Gap> ignored;
  const auto path = attempt(ignored, "inspector", [&] { return debugger_path(port, session); });
  return path && !path->empty() ? path : std::nullopt;
}

std::string environ_of(const os::Procfs& procfs, pid_t pid) {
  std::vector<Gap> ignored;
  return attempt(ignored, "environ", [&] { return procfs.read(pid, "environ"); })
      .value_or(std::string());
}

}  // namespace

Inspector::Inspector(const os::Procfs& procfs, const os::ProcessInfo& process,
                     const InspectorOptions& options, Session& session)
    : procfs_(procfs), id_(process.id), options_(options), session_(session) {
  if (!options.allowed)
    throw Error(
        ErrorCode::refused,
        fmt::format("the V8 inspector of process {} may not be used without consent", id_.pid),
        "allow it with --allow-inspector: it sends SIGUSR1, opens a loopback port for the "
        "time of the run, and closes it again");
  procfs_.check_same(id_);
  opened_at_ = session_.clock().monotonic();
  try {
    find_port(procfs, process);
    connect();
    check_owner();
  } catch (const Error&) {
    // The destructor does not run for an object that was not made: put back what was opened.
    close_if_opened();
    throw;
  }
}

Inspector::~Inspector() {
  std::vector<Gap> ignored;
  attempt(ignored, "inspector", [&] { return close(); });
}

void Inspector::find_port(const os::Procfs& procfs, const os::ProcessInfo& process) {
  const NodeFlags flags(process.arguments, environ_of(procfs, id_.pid));
  const std::uint16_t wanted = port_of(flags);
  const auto before = os::listening_ports(procfs, id_.pid);
  for (const std::uint16_t port : before) {
    // The application's own ports are not asked, unless the inspector may have any number.
    const bool likely = port == wanted || (wanted == 0 && started_with_inspector(flags));
    if (!likely || !probe_port(port, session_)) continue;
    port_ = port;
    return;
  }
  if (flags.has("--disable-sigusr1"))
    throw Error(ErrorCode::refused, fmt::format("process {} runs with --disable-sigusr1", id_.pid),
                "start it with --inspect=127.0.0.1:0 to allow an inspector");
  if (wanted != 0) {
    const auto owners = os::listeners_of(procfs, wanted);
    if (!owners.empty())
      throw Error(ErrorCode::refused,
                  fmt::format("port {}, which the inspector of process {} would take, belongs to "
                              "process {}",
                              wanted, id_.pid, owners.front()),
                  "end that inspector first; only one process at a time can use the port");
  }
  open_by_signal(wanted);
}

void Inspector::open_by_signal(std::uint16_t wanted_port) {
  const auto before = os::listening_ports(procfs_, id_.pid);
  os::send_inspector_signal(procfs_, id_);
  signalled_ = true;
  const Duration start = session_.clock().monotonic();
  while (session_.clock().monotonic() - start < open_limit && !session_.cancelled()) {
    for (const std::uint16_t port : os::listening_ports(procfs_, id_.pid)) {
      if (std::find(before.begin(), before.end(), port) != before.end()) continue;
      if (wanted_port != 0 && port != wanted_port) continue;
      port_ = port;
      opened_here_ = true;
      return;
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  procfs_.check_same(id_);
  session_.touch({fmt::format("SIGUSR1 to process {}", id_.pid),
                  "no inspector opened within 2 s; it may still open when native code returns", 1,
                  2000});
  throw Error(ErrorCode::unreachable,
              fmt::format("process {} opened no inspector within 2 s of SIGUSR1", id_.pid),
              "its main thread is in native code (triage lag TARGET shows where), or the "
              "application has a SIGUSR1 handler of its own");
}

void Inspector::connect() {
  const std::string path = debugger_path(port_, session_);
  if (path.empty())
    throw Error(ErrorCode::malformed,
                fmt::format("127.0.0.1:{} does not answer as an inspector does", port_),
                "look at it: curl -s http://127.0.0.1:" + std::to_string(port_) + "/json/list");
  socket_ = std::make_unique<net::WebSocket>(port_, path, session_);
}

void Inspector::check_owner() {
  const Json answered = evaluate("process.pid");
  const pid_t expected = os::innermost_pid(procfs_.read(id_.pid, "status"), id_.pid);
  if (answered.is_number_integer() && answered.get<std::int64_t>() == expected) return;
  // Whoever answered is not the target: nothing of it may be closed.
  opened_here_ = false;
  throw Error(ErrorCode::refused,
              fmt::format("127.0.0.1:{} belongs to another process than {}", port_, id_.pid),
              "end the other inspector first");
}

bool Inspector::take_message(Duration wait) {
  const auto text = socket_->receive(wait);
  if (!text) {
    if (socket_->closed())
      throw Error(ErrorCode::unreachable,
                  fmt::format("the inspector of process {} closed the connection", id_.pid),
                  "look whether the process still runs");
    return false;
  }
  if (sink_) {
    if (const auto chunk = snapshot_chunk(*text)) {
      sink_(*chunk);
      return true;
    }
  }
  InspectorMessage message = parse_inspector_message(*text);
  if (message.id != 0) {
    --unanswered_;
    answers_[message.id] = std::move(message);
  } else if (sink_ && message.method == "HeapProfiler.addHeapSnapshotChunk") {
    sink_(message.body.value("chunk", std::string()));
  } else if (events_.size() < kept_events) {
    events_.push_back({std::move(message.method), std::move(message.body)});
  }
  return true;
}

std::int64_t Inspector::post(const std::string& method, const Json& params) {
  const std::int64_t id = next_id_++;
  ++unanswered_;
  socket_->send(dump_json(Json{{"id", id}, {"method", method}, {"params", params}}));
  return id;
}

Json Inspector::answer(std::int64_t id, Duration limit) {
  if (limit == Duration::zero()) limit = options_.answer_limit;
  const Duration start = session_.clock().monotonic();
  while (!answers_.contains(id)) {
    const Duration left = limit - (session_.clock().monotonic() - start);
    if (left <= Duration::zero())
      throw Error(ErrorCode::unreachable,
                  fmt::format("the inspector of process {} did not answer in time", id_.pid),
                  "its event loop is blocked: triage lag TARGET shows by what");
    take_message(std::min<Duration>(left, milliseconds(100)));
    if (wait_) wait_();
  }
  InspectorMessage message = std::move(answers_[id]);
  answers_.erase(id);
  if (!message.error.empty())
    throw Error(ErrorCode::malformed, "the inspector refused a request: " + message.error);
  return std::move(message.body);
}

Json Inspector::request(const std::string& method, const Json& params, Duration limit) {
  return answer(post(method, params), limit);
}

Json Inspector::evaluate(const std::string& expression, bool may_have_effects) {
  const Json result = request("Runtime.evaluate", {{"expression", expression},
                                                   {"returnByValue", true},
                                                   {"silent", true},
                                                   {"includeCommandLineAPI", true},
                                                   {"throwOnSideEffect", !may_have_effects}});
  if (!result.is_object() || result.contains("exceptionDetails") || !result.contains("result") ||
      !result["result"].is_object())
    throw Error(ErrorCode::malformed, "the target could not evaluate: " + expression.substr(0, 60));
  return result["result"].value("value", Json());
}

std::optional<Inspector::Event> Inspector::next_event(Duration wait) {
  const Duration start = session_.clock().monotonic();
  while (events_.empty()) {
    const Duration left = wait - (session_.clock().monotonic() - start);
    if (left <= Duration::zero()) return std::nullopt;
    take_message(left);
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::uint64_t Inspector::received_bytes() const {
  return socket_ ? socket_->received_bytes() : 0;
}

bool Inspector::still_listens() const {
  std::vector<Gap> ignored;
  const auto ports =
      attempt(ignored, "ports", [&] { return os::listening_ports(procfs_, id_.pid); });
  return ports && std::find(ports->begin(), ports->end(), port_) != ports->end();
}

void Inspector::close_if_opened() {
  std::vector<Gap> ignored;
  attempt(ignored, "inspector", [&] { return close(); });
}

bool Inspector::close() {
  if (closed_) return true;
  closed_ = true;
  if (port_ == 0) return true;
  const bool busy = unanswered_ > 0;
  if (opened_here_ && socket_ && !socket_->closed()) {
    // No answer comes: the connection ends with the inspector. A cancelled session may not wait,
    // but it may still send.
    std::vector<Gap> ignored;
    attempt(ignored, "inspector", [&] {
      return post("Runtime.evaluate", {{"expression", "process._debugEnd()"}});
    });
  }
  bool seen_closed = !opened_here_;
  // What V8 is still busy with, such as a snapshot, it finishes first. Whatever comes meanwhile is
  // read and dropped: closing a socket with unread bytes could lose the request to close.
  const Duration limit = busy ? busy_close_limit : close_limit;
  const Duration start = session_.clock().monotonic();
  while (!seen_closed && session_.clock().monotonic() - start < limit) {
    std::vector<Gap> ignored;
    const bool waits = socket_ && !socket_->closed();
    if (waits) attempt(ignored, "inspector", [&] { return socket_->receive(milliseconds(2)); });
    if (busy) session_.progress("waiting until the target can close its inspector again");
    seen_closed = !still_listens();
    if (!seen_closed && !waits) std::this_thread::sleep_for(milliseconds(2));
  }
  socket_.reset();
  const double open_ms =
      std::chrono::duration<double, std::milli>(session_.clock().monotonic() - opened_at_).count();
  session_.touch(
      {fmt::format("V8 inspector of process {}", id_.pid),
       opened_here_
           ? fmt::format("SIGUSR1 opened 127.0.0.1:{}; {} requests; {}", port_, next_id_ - 1,
                         seen_closed ? "closed again and seen closed" : "NOT seen to close")
           : fmt::format("was open on 127.0.0.1:{}, left open; {} requests", port_, next_id_ - 1),
       1, open_ms});
  return seen_closed;
}

}  // namespace triage::v8
