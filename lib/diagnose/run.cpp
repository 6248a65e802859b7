#include "lib/diagnose/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/diagnose/conclude.h"
#include "lib/diagnose/run_report.h"

namespace triage::diagnose {
namespace {

constexpr const char* schema_name = "triage/run/1";

void check_probes(const Runbook& runbook, const std::vector<std::string>& known) {
  for (const auto& step : runbook.steps)
    if (std::find(known.begin(), known.end(), step.use) == known.end())
      throw Error(ErrorCode::usage,
                  fmt::format("{}:{}: probes.{}: there is no probe '{}'", runbook.file, step.line,
                              step.id, step.use),
                  fmt::format("known: {}", fmt::join(known, ", ")));
}

Inputs complete_inputs(const Runbook& runbook, const Inputs& given) {
  std::vector<std::string> names;
  Inputs inputs = given;
  for (const auto& input : runbook.inputs) {
    names.push_back(input.id);
    if (inputs.contains(input.id) && inputs[input.id].empty()) inputs.erase(input.id);
    if (!inputs.contains(input.id) && !input.fallback.empty()) inputs[input.id] = {input.fallback};
    if (!inputs.contains(input.id) && input.required)
      throw Error(ErrorCode::usage,
                  fmt::format("the runbook {} needs the input '{}'", runbook.id, input.id),
                  fmt::format("--{}: {}", input.id, input.help));
    if (!input.list && inputs.contains(input.id) && inputs[input.id].size() > 1)
      throw Error(ErrorCode::usage, fmt::format("the input '{}' takes one value", input.id));
  }
  for (const auto& [name, values] : given)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error(ErrorCode::usage,
                  fmt::format("the runbook {} has no input '{}'", runbook.id, name),
                  fmt::format("its inputs: {}", fmt::join(names, ", ")));
  return inputs;
}

/// What the run looks at, for the title: the inputs that say so, in the order of the runbook.
std::string target_of(const Runbook& runbook, const Inputs& inputs) {
  for (const char* name : {"service", "target", "db"})
    if (const auto found = inputs.find(name); found != inputs.end() && !found->second.empty())
      return found->second.front();
  return runbook.title;
}

Json document_of(const Result& result, const Inputs& inputs, const Collection& collection,
                 const Session& session) {
  Json document{{"schema", schema_name}};
  document.update(to_json(result));
  document["inputs"] = to_json(inputs);
  Json documents = Json::object();
  for (const auto& [id, step] : collection.steps)
    documents[id] = step.document.empty() ? Json() : parse_json(step.document, id);
  document["documents"] = std::move(documents);
  document["touched"] = to_json(session.touched());
  document["cost"] = to_json(session.cost());
  return document;
}

}  // namespace

void check_runbook(const Runbook& runbook, const std::vector<std::string>& known_probes,
                   const JqLimits& limits) {
  check_probes(runbook, known_probes);
  Expressions(runbook).check(limits);
}

std::string options_in(const Runbook& runbook, const Step& step, const Inputs& given) {
  return options_of(step, complete_inputs(runbook, given));
}

RunOutcome run(const Runbook& runbook, const RunRequest& request, Session& session) {
  check_probes(runbook, request.known_probes);
  const Inputs inputs = complete_inputs(runbook, request.inputs);
  const Expressions expressions(runbook);
  if (!request.checked) expressions.check(request.jq);
  if (request.check)
    for (const auto& step : runbook.steps) request.check(step.use, options_of(step, inputs));

  const Circumstances circumstances{to_rfc3339(session.clock().now()), target_of(runbook, inputs),
                                    inputs_json(runbook, inputs)};
  const auto ask = [&](const std::string& label, const std::string& documents) {
    return expressions.one(label, documents, circumstances.inputs, request.jq);
  };
  Questions questions;
  questions.condition = [&](const Step& step, const std::string& documents) {
    return ask("probes." + step.id + ".when", documents).kind == Answer::Kind::yes;
  };
  questions.taken = [&](const Step& step, const std::string& documents) {
    Json taken = Json::object();
    for (const auto& [option, script] : step.take) {
      const Answer answer = ask("probes." + step.id + ".take." + option, documents);
      if (answer.kind != Answer::Kind::value)
        throw Error(ErrorCode::not_found,
                    fmt::format("its {} is not known: {}", option, answer.text));
      taken[option] = parse_json(answer.text, option);
    }
    return dump_json(taken);
  };
  Collection collection = request.recorded ? *request.recorded
                                           : collect(runbook, inputs, request.runner, questions,
                                                     session, request.wall.value_or(runbook.wall));
  const Result result = conclude(runbook, expressions, collection, circumstances, request.jq);

  session.freeze();
  RunOutcome outcome;
  outcome.document = document_of(result, inputs, collection, session);
  outcome.report = run_report(result, collection, session.touched(), session.cost());
  outcome.severity = outcome.report.severity;
  outcome.abandoned = collection.abandoned;
  outcome.collection = std::move(collection);
  return outcome;
}

Json run_schema() {
  Json facts = schema_of<Result>();
  Json properties{{"schema", {{"const", schema_name}}}};
  Json required{"schema"};
  for (const auto& [name, schema] : facts["properties"].items()) properties[name] = schema;
  for (const auto& name : facts["required"]) required.push_back(name);
  properties["verdict"]["properties"]["word"]["enum"] = {"confirmed", "likely", "possible",
                                                         "inconclusive", "healthy"};
  properties["inputs"] = schema_of<Inputs>();
  properties["documents"] = {{"type", "object"},
                             {"description", "what each probe gave, null for nothing"}};
  properties["touched"] = schema_of<std::vector<Touch>>();
  properties["cost"] = schema_of<Cost>();
  for (const char* name : {"inputs", "documents", "touched", "cost"}) required.push_back(name);
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "triage run"},
          {"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)}};
}

}  // namespace triage::diagnose
