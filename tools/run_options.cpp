#include "tools/run_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/units.h"

namespace triage {

void describe(RunOptions& options, OptionVisitor& visitor) {
  visitor.visit(
      {"runbook", "built-in runbook, or the path of a file", "RUNBOOK", {}, true, false, 0},
      options.runbook);
  visitor.visit(
      {"target", "one affected process: pid, name:TEXT or port:N", "TARGET", {}, false, false, 't'},
      options.target);
  visitor.visit({"db", "libpq service name or URI of the database", "URI", {}, false, true, 0},
                options.db);
  visitor.visit({"logs",
                 "log file of the service or the database; may be repeated",
                 "FILE",
                 {},
                 false,
                 false,
                 0},
                options.logs);
  visitor.visit(
      {"service", "application_name of the service in the database", "NAME", {}, false, false, 0},
      options.service);
  visitor.visit(
      {"since", "stretch of time that is looked at, such as 15m", "DURATION", {}, false, false, 0},
      options.since);
  visitor.visit(
      {"from", "start of the time that is looked at, RFC 3339", "TIME", {}, false, false, 0},
      options.from);
  visitor.visit({"to", "its end, RFC 3339; default: now", "TIME", {}, false, false, 0}, options.to);
  visitor.visit({"around",
                 "half of --since before this time and half after it, RFC 3339",
                 "TIME",
                 {},
                 false,
                 false,
                 0},
                options.around);
  visitor.visit(
      {"baseline", "stretch of time before it to compare with", "DURATION", {}, false, false, 0},
      options.baseline);
  visitor.visit({"traces", "file with traces; may be repeated", "FILE", {}, false, false, 0},
                options.traces);
  visitor.visit({"jaeger", "address of Jaeger", "URL", {}, false, true, 0}, options.jaeger);
  visitor.visit({"prometheus", "address of Prometheus", "URL", {}, false, true, 0},
                options.prometheus);
  visitor.visit({"allow-inspector",
                 "let probes open the V8 inspector of the target (SIGUSR1), with short pauses",
                 {},
                 {},
                 false,
                 false,
                 0},
                options.allow_inspector);
  visitor.visit({"input",
                 "another input of the runbook; may be repeated",
                 "NAME=VALUE",
                 {},
                 false,
                 false,
                 'i'},
                options.inputs);
  visitor.visit({"check", "only check the runbook; nothing is run", {}, {}, false, false, 0},
                options.check);
  visitor.visit({"test",
                 "replay the recorded runs in the runbook's `tests` and compare the verdicts",
                 {},
                 {},
                 false,
                 false,
                 0},
                options.test);
  visitor.visit({"list", "list the built-in runbooks", {}, {}, false, false, 0}, options.list);
}

namespace {

WallTime time_in(const std::string& text, const char* option) {
  try {
    return parse_rfc3339(text);
  } catch (const Error&) {
    throw Error(ErrorCode::usage, fmt::format("--{} {}: not a time", option, text),
                "write it as 2026-11-24T02:04:31Z");
  }
}

std::string duration_text(Duration length) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(length);
  if (ms.count() <= 0)
    throw Error(ErrorCode::usage, "--from: the window has no length",
                "give a --from that is before --to");
  return fmt::format("{}ms", ms.count());
}

/// `since` and `to` from --from, --to and --around: what the probes understand.
void set_window(const RunOptions& options, const diagnose::Runbook& runbook, WallTime now,
                diagnose::Inputs& inputs) {
  if (!options.around.empty() && !(options.from.empty() && options.to.empty()))
    throw Error(ErrorCode::usage, "--around is given with --from or --to", "give one of them");
  if (!options.from.empty() && !options.since.empty())
    throw Error(ErrorCode::usage, "--from is given with --since", "give one of them");
  if (!options.around.empty()) {
    std::string length = options.since;
    for (const auto& input : runbook.inputs)
      if (length.empty() && input.id == "since") length = input.fallback;
    const WallTime end = time_in(options.around, "around") + parse_duration(length, "since") / 2;
    inputs["to"] = {to_rfc3339(end)};
  }
  if (!options.to.empty()) inputs["to"] = {to_rfc3339(time_in(options.to, "to"))};
  if (options.from.empty()) return;
  const WallTime end = options.to.empty() ? now : time_in(options.to, "to");
  inputs["since"] = {
      duration_text(std::chrono::duration_cast<Duration>(end - time_in(options.from, "from")))};
}

}  // namespace

diagnose::Inputs inputs_of(const RunOptions& options, const diagnose::Runbook& runbook,
                           WallTime now) {
  diagnose::Inputs inputs;
  for (const auto& text : options.inputs) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(ErrorCode::usage, fmt::format("--input {}: expected NAME=VALUE", text));
    inputs[text.substr(0, equals)].push_back(text.substr(equals + 1));
  }
  for (const auto& [name, value] :
       {std::pair{"target", options.target}, std::pair{"service", options.service},
        std::pair{"since", options.since}, std::pair{"baseline", options.baseline}})
    if (!value.empty()) inputs[name] = {value};
  set_window(options, runbook, now, inputs);
  if (!options.logs.empty()) inputs["logs"] = options.logs;
  if (!options.traces.empty()) inputs["traces"] = options.traces;
  // addresses may come from the configuration, for all commands: a runbook without use for one
  // ignores it
  const auto has = [&](const std::string& id) {
    return std::any_of(runbook.inputs.begin(), runbook.inputs.end(),
                       [&](const auto& input) { return input.id == id; });
  };
  for (const auto& [name, value] :
       {std::pair{"db", options.db}, std::pair{"prometheus", options.prometheus},
        std::pair{"jaeger", options.jaeger}})
    if (!value.empty() && has(name)) inputs[name] = {value};
  if (options.allow_inspector && has("inspector")) inputs["inspector"] = {"true"};
  return inputs;
}

}  // namespace triage
