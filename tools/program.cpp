#include "tools/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>

#include "lib/base/json_options.h"
#include "lib/base/line_sink.h"
#include "lib/base/option_list.h"
#include "lib/base/redact.h"
#include "lib/probes/outcome.h"
#include "lib/report/text_layout.h"
#include "tools/command_line.h"
#include "tools/exit_code.h"
#include "tools/help.h"
#include "tools/output.h"
#include "tools/recording.h"
#include "tools/settings.h"
#include "tools/terminal.h"
#include "tools/version.h"

namespace triage {
namespace {

/// The session that a signal cancels; the handler may touch nothing else.
Session* running_session = nullptr;
volatile std::sig_atomic_t received_signal = 0;

void on_signal(int signal) {
  received_signal = signal;
  if (running_session != nullptr) running_session->cancel();
}

/// The first Ctrl-C ends the run with what is known; the second ends the program.
void watch_signals(Session& session) {
  running_session = &session;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void print_error(const Error& error) {
  Redactor redactor;
  std::string line = "triage: " + redactor.apply(std::string_view(error.what()));
  if (!error.remedy().empty()) line += "; " + redactor.apply(std::string_view(error.remedy()));
  for (char& c : line)
    if (c == '\n') c = ' ';
  write_all(STDERR_FILENO, line + "\n");
}

void redact(Outcome& outcome, bool addresses) {
  Redactor redactor({true, addresses});
  outcome.document = redactor.apply(outcome.document);
  for_each_text(outcome.report,
                [&](std::string& text) { text = redactor.apply(std::string_view(text)); });
}

std::set<std::string> known_keys(const std::vector<std::unique_ptr<Command>>& commands) {
  // Connections of back ends are settings of the place, whether or not this run asks them.
  std::set<std::string> keys{"prometheus", "loki", "jaeger"};
  for (const auto& command : commands) {
    OptionList list;
    command->describe(list);
    for (const auto& row : list.rows()) {
      keys.insert(command->name() + "." + row.info.name);
      keys.insert(command->name().substr(0, command->name().find('-')) + "." + row.info.name);
      if (row.info.shared) keys.insert(row.info.name);
    }
  }
  CommonOptions common;
  OptionList list;
  describe(common, list);
  for (const auto& row : list.rows()) keys.insert(row.info.name);
  return keys;
}

Settings load_settings(Invocation& invocation,
                       const std::vector<std::unique_ptr<Command>>& commands) {
  Settings settings(current_places(), invocation.common.config, invocation.common.profile);
  settings.check_known(known_keys(commands));
  SettingsVisitor visitor(settings, invocation.command->name(), invocation.given);
  invocation.command->describe(visitor);
  describe(invocation.common, visitor);
  return settings;
}

Severity fail_level(const std::string& word) {
  return word == "never" ? Severity::unknown : severity_of(word);
}

/// --record, --replay or neither, as asked for.
std::unique_ptr<Recording> recording_of(const CommonOptions& common) {
  if (!common.record.empty() && !common.replay.empty())
    throw Error(ErrorCode::usage, "--record and --replay exclude each other");
  if (common.watch.count() > 0 && !(common.record.empty() && common.replay.empty()))
    throw Error(ErrorCode::usage, "--watch does not go with --record or --replay",
                "a recording holds one run");
  if (!common.record.empty())
    return std::make_unique<Recorder>(common.record, common.redact_addresses);
  if (common.replay.empty()) return std::make_unique<Recording>();
  auto replay = std::make_unique<Replay>(common.replay);
  for (const auto& loss : replay->lost())
    write_all(STDERR_FILENO,
              fmt::format("triage: {}: {}; the rest is used\n", common.replay, loss));
  return replay;
}

/// The options of the recorded run take the place of those on the command line.
void apply_header(const Json& header, Invocation& invocation) {
  const std::string command = header.value("command", "");
  if (command != invocation.command->name())
    throw Error(
        ErrorCode::usage,
        fmt::format("--replay {}: it was recorded by triage {}", invocation.common.replay,
                    typed_name(command)),
        fmt::format("triage {} --replay {}", typed_name(command), invocation.common.replay));
  JsonOptions options(header["options"], invocation.common.replay);
  invocation.command->describe(options);
  invocation.common.redact_addresses =
      invocation.common.redact_addresses || header.value("redact_addresses", false);
}

Json header_of(Invocation& invocation) {
  Json options = Json::object();
  OptionsWriter writer(options);
  invocation.command->describe(writer);
  return {{"bundle", 1},
          {"triage", version},
          {"command", invocation.command->name()},
          {"options", std::move(options)},
          {"redact_addresses", invocation.common.redact_addresses}};
}

/// The clock of a replay stands at the time of the recorded run.
std::unique_ptr<Clock> clock_for(const Recording& recording) {
  const Json* end = recording.kept("end");
  if (end == nullptr || !end->contains("at")) return std::make_unique<SystemClock>();
  return std::make_unique<ManualClock>(parse_rfc3339((*end)["at"].get<std::string>()));
}

Json end_of(const Outcome& outcome, const Session& session) {
  return {{"at", outcome.document.value("at", "")},
          {"touched", to_json(session.touched())},
          {"cost", to_json(session.cost())}};
}

/// Whether it goes on until Ctrl-C: --follow.
bool follows(Invocation& invocation) {
  Json options = Json::object();
  OptionsWriter writer(options);
  invocation.command->describe(writer);
  return options.value("follow", false);
}

/// Lines of --follow go to stdout at once, where a format for lines goes there.
void stream_lines(const Invocation& invocation, const Outputs& outputs) {
  const auto form = outputs.streamed();
  if (!form) return;
  auto redactor =
      std::make_shared<Redactor>(RedactionOptions{true, invocation.common.redact_addresses});
  set_line_sink([redactor, json = *form](const StreamedLine& line) {
    write_all(STDOUT_FILENO,
              redactor->apply(std::string_view(json ? line.json : printable(line.text))) + "\n");
  });
}

/// One run from asking to writing; the exit code.
int run_once(Invocation& invocation, const Settings& settings, Outputs& outputs,
             Recording& recording) {
  const auto clock = clock_for(recording);
  ProgressLine progress(invocation.common);
  Session session(*clock, [&](const std::string& text) { progress.show(text); });
  const bool endless = follows(invocation);
  if (!endless || invocation.common.timeout != CommonOptions().timeout)
    session.set_deadline(invocation.common.timeout);
  if (endless) stream_lines(invocation, outputs);
  if (const Json* end = recording.kept("end"))
    session.freeze(from_json<std::vector<Touch>>((*end)["touched"], "end"),
                   from_json<Cost>((*end)["cost"], "end"));
  watch_signals(session);
  Outcome outcome = invocation.command->run(session, settings, recording);
  running_session = nullptr;
  progress.clear();
  recording.keep("end", end_of(outcome, session));
  redact(outcome, invocation.common.redact_addresses);
  const Severity fail_from = fail_level(invocation.common.fail_on);
  auto code = static_cast<int>(exit_code_of(outcome.severity, fail_from));
  if (invocation.common.exit_zero && code == static_cast<int>(ExitCode::finding)) code = 0;
  // the frame before stays on the screen until the next one is there
  if (invocation.common.watch.count() > 0) begin_frame();
  outputs.write(outcome, style_for_stdout(invocation.common), fail_from);
  if (outcome.abandoned) std::quick_exit(received_signal != 0 ? 128 + received_signal : code);
  return code;
}

int run_command(Invocation& invocation, const Settings& settings) {
  const auto recording = recording_of(invocation.common);
  if (!invocation.common.replay.empty()) {
    const Json* header = recording->kept("header");
    if (header == nullptr)
      throw Error(ErrorCode::malformed,
                  fmt::format("--replay {}: the header is lost", invocation.common.replay),
                  "what is left can be read with: zstd -dc FILE");
    apply_header(*header, invocation);
  }
  Outputs outputs(invocation.common.output);
  if (!invocation.common.record.empty()) recording->keep("header", header_of(invocation));
  // a live view observes all the time: the next round follows at once
  if (invocation.command->live() && invocation.common.watch.count() == 0 &&
      invocation.common.record.empty() && invocation.common.replay.empty() &&
      ::isatty(STDOUT_FILENO) != 0)
    invocation.common.watch = std::chrono::milliseconds(1);
  const auto interval = invocation.common.watch;
  while (true) {
    const int code = run_once(invocation, settings, outputs, *recording);
    // Ctrl-C is how a live view ends: the code is that of the last round.
    if (interval.count() == 0)
      return received_signal != 0 && !follows(invocation) ? 128 + received_signal : code;
    if (received_signal == 0) wait_for(interval);
    if (received_signal != 0) return code;
  }
}

int run_checked(const std::vector<std::string>& arguments) {
  const auto commands = make_commands();
  Invocation invocation = parse_command_line(arguments, commands);
  switch (invocation.kind) {
    case Invocation::Kind::version:
      write_all(STDOUT_FILENO, fmt::format("triage {}\n", version));
      return 0;
    case Invocation::Kind::help:
      write_all(STDOUT_FILENO, invocation.command == nullptr ? overview_help(commands)
                                                             : command_help(*invocation.command));
      return 0;
    case Invocation::Kind::command:
      break;
  }
  const Settings settings = load_settings(invocation, commands);
  if (invocation.command->gives_outcome()) return run_command(invocation, settings);
  const std::string text = invocation.command->text(invocation.common, settings);
  return write_all(STDOUT_FILENO, text) ? 0 : static_cast<int>(ExitCode::internal);
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  try {
    return run_checked(arguments);
  } catch (const Error& error) {
    // broken off by the user, not out of time
    if (received_signal != 0 && error.code() == ErrorCode::budget) {
      print_error({ErrorCode::budget, "stopped by a signal before there was a result", ""});
      return 128 + received_signal;
    }
    print_error(error);
    return static_cast<int>(exit_code_of(error.code()));
  } catch (const std::exception& error) {
    print_error({ErrorCode::internal, fmt::format("internal error: {}", error.what()),
                 "please report it with the command that you typed"});
    return static_cast<int>(ExitCode::internal);
  }
}

}  // namespace triage
