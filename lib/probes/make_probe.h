#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "lib/base/json_options.h"
#include "lib/probes/document.h"
#include "lib/probes/probe.h"

namespace triage::probes {
namespace detail {

/// Calls `each(name, member)` for the members of a sample that its fields() may leave out, since
/// the result carries them in its envelope; a recording needs them.
template <class Sample, class Each>
void envelope_members(Sample& sample, Each each) {
  if constexpr (requires { sample.at; }) each("at", sample.at);
  if constexpr (requires { sample.target; }) each("target", sample.target);
  if constexpr (requires { sample.gaps; }) each("gaps", sample.gaps);
}

template <class Sample>
Json sample_to_json(const Sample& sample) {
  Json json = to_json(sample);
  envelope_members(sample, [&](const char* name, const auto& member) {
    if (!json.contains(name)) json[name] = to_json(member);
  });
  return json;
}

template <class Sample>
Sample sample_from_json(const Json& json, const std::string& where) {
  Sample sample = from_json<Sample>(json, where);
  envelope_members(sample, [&](const char* name, auto& member) {
    if (json.contains(name)) read_json(json[name], member, where);
  });
  return sample;
}

template <class Options, class Sample, class Result>
struct Functions {
  void (*describe)(Options&, OptionVisitor&);
  Sample (*collect)(const Options&, Session&);
  Result (*analyse)(const Options&, const Sample&);
  std::vector<Section> (*sections)(const Options&, const Result&);
};

template <class Options, class Sample, class Result>
class TypedCall final : public Call {
 public:
  TypedCall(std::string_view name, Functions<Options, Sample, Result> functions)
      : name_(name), functions_(functions) {}

  void describe(OptionVisitor& visitor) override { functions_.describe(options_, visitor); }

  Outcome run(Session& session) override {
    const Sample sample = functions_.collect(options_, session);
    return finish(sample, session);
  }

  Json collect(Session& session) override {
    return sample_to_json(functions_.collect(options_, session));
  }

  Outcome analyse(const Json& sample, Session& session) override {
    return finish(sample_from_json<Sample>(sample, std::string(name_) + " sample"), session);
  }

 private:
  Outcome finish(const Sample& sample, Session& session) {
    const Result result = functions_.analyse(options_, sample);
    session.freeze();
    Json options = Json::object();
    OptionsWriter writer(options);
    functions_.describe(options_, writer);
    Outcome outcome;
    outcome.document = document_head(name_, result.envelope, std::move(options));
    outcome.document.update(to_json(result));
    clear_unknown(outcome.document, result.envelope.gaps);
    append_tail(outcome.document, result.envelope, session);
    outcome.report =
        frame_report(name_, result.envelope, functions_.sections(options_, result), session);
    outcome.severity = result.envelope.severity;
    return outcome;
  }

  std::string_view name_;
  Functions<Options, Sample, Result> functions_;
  Options options_{};
};

}  // namespace detail

/// A row of the registry from the functions of a probe; their types give Options, Sample and
/// Result. `Result` has a member `Envelope envelope` that its fields() leaves out.
template <class Options, class Sample, class Result>
// NOLINTNEXTLINE(readability-function-size): one parameter per part of a probe
Probe make_probe(std::string_view name, std::string_view summary, Help (*help)(),
                 void (*describe)(Options&, OptionVisitor&),
                 Sample (*collect)(const Options&, Session&),
                 Result (*analyse)(const Options&, const Sample&),
                 std::vector<Section> (*sections)(const Options&, const Result&)) {
  const detail::Functions<Options, Sample, Result> functions{describe, collect, analyse, sections};
  return {
      name, summary, help,
      [=] { return std::make_unique<detail::TypedCall<Options, Sample, Result>>(name, functions); },
      [=] { return document_schema(name, schema_of<Result>()); }};
}

}  // namespace triage::probes
