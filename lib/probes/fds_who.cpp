#include "lib/probes/fds_who.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/session.h"
#include "lib/base/units.h"
#include "lib/os/lines.h"
#include "lib/os/target.h"
#include "lib/probes/fds_who_script.h"
#include "lib/v8/inspector.h"

namespace triage::probes::fds {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t no_call = ~std::size_t{0};

/// Sets the breakpoints and takes everything back at the end, whatever happens between.
class CallWatch {
 public:
  CallWatch(v8::Inspector& inspector, Session& session) : inspector_(inspector), session_(session) {
    try {
      timed("Runtime.enable", Json::object());
      timed("Debugger.enable", Json::object());
      timed("Runtime.addBinding", {{"name", who_binding}});
      set_breakpoints();
    } catch (const Error&) {
      take_back();
      throw;
    }
  }
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;
  ~CallWatch() { take_back(); }

 private:
  /// One request; how long the target may have worked on it counts as a pause.
  Json timed(const std::string& method, const Json& params) {
    const Duration before = session_.clock().monotonic();
    Json answer = inspector_.request(method, params);
    session_.paused(session_.clock().monotonic() - before);
    return answer;
  }

  std::map<std::string, std::string> elements_of(const std::string& object) {
    std::map<std::string, std::string> values;
    const Json answer =
        timed("Runtime.getProperties", {{"objectId", object}, {"ownProperties", true}});
    for (const auto& property : answer["result"]) {
      if (!property.contains("value")) continue;
      const Json& value = property["value"];
      values[property.value("name", "")] = value.contains("objectId")
                                               ? value.value("objectId", "")
                                               : value.value("value", Json()).dump();
    }
    return values;
  }

  void set_breakpoints() {
    const Json made = timed("Runtime.evaluate", {{"expression", who_script},
                                                 {"includeCommandLineAPI", true},
                                                 {"objectGroup", who_binding}});
    if (!made.contains("result") || !made["result"].contains("objectId"))
      throw Error(ErrorCode::malformed, "the inspector did not take the watch of open calls");
    for (const auto& [name, pair] : elements_of(made["result"].value("objectId", ""))) {
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      auto parts = elements_of(pair);
      std::vector<Gap> other_version;  // a function that this Node.js does not have is not watched
      attempt(other_version, "breakpoint", [&] {
        const Json set = timed("Debugger.setBreakpointOnFunctionCall",
                               {{"objectId", parts["1"]},
                                {"condition", fmt::format("(globalThis.{}?.note?.({}, this, "
                                                          "arguments), false)",
                                                          who_binding, parts["0"])}});
        breakpoints_.push_back(set.value("breakpointId", ""));
        return true;
      });
    }
  }

  void take_back() {
    std::vector<Gap> gone;  // the session takes its breakpoints along when it ends
    const auto ask = [&](const std::string& method, const Json& params) {
      attempt(gone, "who", [&] { return inspector_.request(method, params); });
    };
    for (const auto& id : breakpoints_) ask("Debugger.removeBreakpoint", {{"breakpointId", id}});
    ask("Debugger.disable", Json::object());
    ask("Runtime.removeBinding", {{"name", who_binding}});
    ask("Runtime.evaluate", {{"expression", who_remove_script}});
    ask("Runtime.releaseObjectGroup", {{"objectGroup", who_binding}});
    ask("Runtime.disable", Json::object());
  }

  v8::Inspector& inspector_;
  Session& session_;
  std::vector<std::string> breakpoints_;
};

std::string kind_opened(const std::string& call, const std::string& target) {
  if (call == "net.connect" || call == "net.listen")
    return target.find('/') == std::string::npos ? "tcp" : "unix";
  if (call == "dgram.createSocket") return "udp";
  if (call == "child_process.spawn") return "pipe";
  if (call == "fs.watch") return "inotify";
  if (call == "new Worker") return "epoll";
  return "file";
}

/// Which sockets that are open now came of which call.
void take_sockets(const Json& answer, const std::map<std::int64_t, std::size_t>& call_of_id,
                  OpenCalls& calls) {
  if (!answer.is_array() || answer.size() != 2 || !answer[0].is_array()) return;
  for (const auto& pair : answer[0]) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number())
      continue;
    const auto call = call_of_id.find(pair[0].get<std::int64_t>());
    if (call != call_of_id.end() && call->second < calls.calls.size())
      calls.calls[call->second].numbers.push_back(pair[1].get<std::int64_t>());
  }
  if (answer[1].is_number() &&
      answer[1].get<std::int64_t>() > static_cast<std::int64_t>(call_of_id.size()))
    calls.whole = false;
}

}  // namespace

std::vector<std::string> application_frames(std::string_view stack) {
  constexpr std::size_t most = 12;
  std::vector<std::string> frames;
  std::vector<std::string> own;  // of Node.js
  os::each_line(stack, [&](std::string_view line) {
    constexpr std::string_view at = "    at ";
    if (line.substr(0, at.size()) != at) return;
    line.remove_prefix(at.size());
    // our own helper and its call from the condition come first
    if (line.find("<anonymous>:") != std::string_view::npos) return;
    auto& list = line.find("node:") == std::string_view::npos ? frames : own;
    if (list.size() < most) list.emplace_back(line);
  });
  return frames.empty() ? own : frames;
}

bool take_call(std::string_view payload, std::map<std::int64_t, std::size_t>& call_of_id,
               OpenCalls& calls) {
  const Json call = Json::parse(payload, nullptr, false);
  if (!call.is_array() || call.size() != 4 || !call[0].is_number_integer() ||
      !call[1].is_string() || !call[2].is_string() || !call[3].is_string())
    return false;
  OpenCall row;
  row.call = call[1].get<std::string>();
  row.target = call[2].get<std::string>();
  row.opens = kind_opened(row.call, row.target);
  const auto stack = call[3].get<std::string>();
  row.stack = application_frames(stack);
  // A stream opens its file later, without the stack: it was noted where it was made.
  const bool by_stream = stack.find("Stream._construct") != std::string::npos;
  if (row.call == "fs.open" && by_stream) {
    call_of_id.emplace(call[0].get<std::int64_t>(), no_call);
    return true;
  }
  const auto same =
      std::find_if(calls.calls.begin(), calls.calls.end(), [&](const OpenCall& known) {
        return known.call == row.call && known.target == row.target && known.stack == row.stack;
      });
  const auto at = static_cast<std::size_t>(same - calls.calls.begin());
  if (same == calls.calls.end()) calls.calls.push_back(std::move(row));
  ++calls.calls[at].count;
  call_of_id[call[0].get<std::int64_t>()] = at;
  return true;
}

OpenCalls watch_open_calls(const os::Procfs& procfs, const os::ProcessInfo& process,
                           std::chrono::milliseconds duration, const std::function<void()>& beside,
                           Session& session) {
  v8::Inspector inspector(procfs, process, {.allowed = true}, session);
  OpenCalls calls;
  std::map<std::int64_t, std::size_t> call_of_id;
  {
    const CallWatch watch(inspector, session);
    const Duration start = session.clock().monotonic();
    session.progress(fmt::format("noting what opens descriptors in {} for {}",
                                 os::describe_process(process), to_duration_text(duration)));
    const auto take = [&](Duration wait) {
      beside();
      const auto event = inspector.next_event(wait);
      if (event && event->method == "Runtime.bindingCalled")
        take_call(event->params.value("payload", ""), call_of_id, calls);
      return event.has_value();
    };
    for (Duration left = duration; left > 0ms && !session.cancelled();
         left = duration - (session.clock().monotonic() - start))
      take(std::min<Duration>(left, 100ms));
    calls.watched_s = std::chrono::duration<double>(session.clock().monotonic() - start).count();
    const Json sockets =
        parse_json(inspector.evaluate(who_sockets_script).get<std::string>(), "the inspector");
    while (take(0ms)) {
    }
    take_sockets(sockets, call_of_id, calls);
  }
  std::stable_sort(calls.calls.begin(), calls.calls.end(),
                   [](const OpenCall& a, const OpenCall& b) { return a.count > b.count; });
  session.touch({fmt::format("V8 inspector of process {}", process.id.pid),
                 "breakpoints that never pause on functions that open, removed again", 1, 0});
  return calls;
}

}  // namespace triage::probes::fds
