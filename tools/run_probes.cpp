#include "tools/run_probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lib/base/clock.h"
#include "lib/base/json_options.h"
#include "tools/run_options.h"

namespace triage {
namespace {

/// What the probes of a recorded run gave: their documents are made again from what they read.
diagnose::Collection recorded_collection(const diagnose::Runbook& runbook,
                                         const diagnose::Inputs& inputs, const Session& session,
                                         Recording& recording) {
  diagnose::Collection collection;
  const Json* kept = recording.kept("collection");
  const Json states = kept == nullptr ? Json::object() : kept->value("steps", Json::object());
  if (kept != nullptr)
    collection.gaps = from_json<std::vector<Gap>>(kept->value("gaps", Json::array()), "gaps");
  for (const auto& step : runbook.steps) {
    diagnose::StepOutcome& outcome = collection.steps[step.id];
    const Json state = states.value(step.id, Json::object());
    outcome.state = diagnose::step_state_of(state.value("state", "answered"));
    outcome.why = state.value("why", "");
    if (outcome.state != diagnose::StepOutcome::State::answered) continue;
    outcome.with = state.value("with", "");
    const std::string with =
        outcome.with.empty() ? diagnose::options_in(runbook, step, inputs) : outcome.with;
    auto answer = attempt(collection.gaps, step.id, [&] {
      Session own(session.clock());
      return answer_of(step.use, with, own, recording);
    });
    if (answer) {
      outcome.document = std::move(answer->document);
      outcome.drawings = std::move(answer->drawings);
      continue;
    }
    outcome.state = diagnose::StepOutcome::State::failed;
    outcome.why = collection.gaps.back().why;
  }
  return collection;
}

}  // namespace

std::vector<std::string> probe_names() {
  std::vector<std::string> names;
  for (const auto& probe : probes::registry()) names.emplace_back(probe.name);
  return names;
}

std::unique_ptr<probes::Call> make_call(const std::string& use, const std::string& with) {
  const probes::Probe* probe = probes::find_probe(use);
  if (probe == nullptr) throw Error(ErrorCode::usage, fmt::format("there is no probe '{}'", use));
  auto call = probe->call();
  const Json values = parse_json(with, use);
  JsonOptions options(values, use);
  call->describe(options);
  options.finish();
  return call;
}

diagnose::ProbeAnswer answer_of(const std::string& use, const std::string& with, Session& session,
                                Recording& recording) {
  const Outcome outcome = recording.answer(use, with, *make_call(use, with), session);
  diagnose::ProbeAnswer answer{dump_json(outcome.document), std::nullopt};
  for (const auto& section : outcome.report.sections)
    std::copy_if(section.blocks.begin(), section.blocks.end(), std::back_inserter(answer.drawings),
                 is_drawing);
  return answer;
}

Json collection_json(const diagnose::Collection& collection) {
  Json steps = Json::object();
  for (const auto& [id, step] : collection.steps) {
    steps[id] = {{"state", diagnose::name_of(step.state)}, {"why", step.why}};
    if (!step.with.empty()) steps[id]["with"] = step.with;
  }
  return {{"steps", std::move(steps)}, {"gaps", to_json(collection.gaps)}};
}

diagnose::RunRequest recorded_request(const diagnose::Runbook& runbook, diagnose::Inputs inputs,
                                      const Session& session, Recording& recording) {
  diagnose::RunRequest request;
  request.inputs = std::move(inputs);
  request.known_probes = probe_names();
  request.checked = true;
  request.recorded = recorded_collection(runbook, request.inputs, session, recording);
  return request;
}

diagnose::RunOutcome replay_run(Replay& replay, const diagnose::Runbook* runbook) {
  const Json* header = replay.kept("header");
  const Json* text = replay.kept("runbook");
  const Json* end = replay.kept("end");
  if (header == nullptr || end == nullptr || (runbook == nullptr && text == nullptr))
    throw Error(ErrorCode::malformed,
                fmt::format("{}: its header, runbook or end is lost", replay.path()),
                "give a file that was written by triage run --record");
  const diagnose::Runbook used =
      runbook != nullptr ? *runbook
                         : diagnose::load_runbook(text->value("text", ""), text->value("file", ""));
  RunOptions options;
  JsonOptions reader((*header)["options"], replay.path());
  describe(options, reader);
  const ManualClock clock(parse_rfc3339(end->value("at", "")));
  Session session(clock);
  session.freeze(from_json<std::vector<Touch>>((*end)["touched"], "end"),
                 from_json<Cost>((*end)["cost"], "end"));
  return diagnose::run(
      used, recorded_request(used, inputs_of(options, used, clock.now()), session, replay),
      session);
}

}  // namespace triage
