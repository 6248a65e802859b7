#include "lib/diagnose/expressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lib/base/json.h"

namespace triage::diagnose {
namespace {

constexpr std::size_t max_slots = 1500;
constexpr std::size_t max_expression_bytes = 8192;
/// Texts in one program beside the facts: libjq refuses functions of more than 65536 instructions.
constexpr std::size_t longest_portion = 150;

// Numbers in texts: whole as they are, others with two decimals. Percent as lib/base/units.h.
constexpr const char* library = R"jq(
def __why: if type == "string" then . else tojson end;
def v(p): p | if . == null then error("a value is missing") else . end;
def __get($id): .[$id] as $x | if $x == null then error("fact " + $id + " is not known")
  elif ($x | has("u")) then error("fact " + $id + ": " + $x.u) else $x.v end;
def percent: if type != "number" then "unknown" else (. * 100) as $p |
  if $p != 0 and ($p | fabs) < 0.995 then "\(($p * 10 | round) / 10) %" else "\($p | round) %" end end;
def duration: if type != "number" then "unknown" elif . < 1 then "\(. * 1000 | round) ms"
  elif . < 9.95 then "\((. * 10 | round) / 10) s" elif . < 120 then "\(round) s"
  elif . < 7200 then "\(. / 60 | round) min" elif . < 172800 then "\((. / 360 | round) / 10) h"
  else "\(. / 86400 | round) days" end;
def count: if type != "number" then "unknown" else (round | tostring) |
  if length > 3 then [while(length > 0; .[:-3]) | .[-3:]] | reverse | join(" ") else . end end;
def epoch: if type == "string" and length >= 19 then .[:19] + "Z" | fromdateiso8601
  else error("a time is missing") end;
def clip($n): if length > $n then .[:$n] + "..." else . end;
def time_of_day: if type == "string" and length >= 19 then .[11:19] else "unknown" end;
def __t: if . == null then "unknown" elif type == "number" then
  (if . == floor then . else (. * 100 | round) / 100 end | tostring)
  elif type == "string" then . else tojson end;
)jq";

std::string json_text(std::string_view text) {
  return dump_json(Json(std::string(text)));
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : dump_json(json);
}

Answer answer_of(const Json& json, Slot::Kind kind) {
  if (json.is_object() && json.contains("v")) {
    const Json& value = json["v"];
    if (kind == Slot::Kind::value) return {Answer::Kind::value, dump_json(value)};
    if (kind == Slot::Kind::text) return {Answer::Kind::text, text_of(value)};
    if (value.is_boolean()) return {value.get<bool>() ? Answer::Kind::yes : Answer::Kind::no, {}};
  }
  if (json.is_object() && json.contains("u")) return {Answer::Kind::unknown, text_of(json["u"])};
  return {Answer::Kind::unknown, "it gave nothing"};
}

Json wrapped(const std::string& documents, const std::string& inputs) {
  return {{"d", parse_json(documents, "documents")}, {"i", parse_json(inputs, "inputs")}};
}

}  // namespace

std::string string_literal(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 2) == "\\(") {
      const std::size_t end = end_of_interpolation(text, at + 2);
      out += fmt::format("\\(try ([first(({}\n) | __t)] | .[0] // \"unknown\") catch \"unknown\")",
                         text.substr(at + 2, end - at - 2));
      at = end + 1;
      continue;
    }
    const std::string one = json_text(text.substr(at, 1));
    // a lone byte of a longer character is not valid JSON by itself: copied as it is
    out += static_cast<unsigned char>(text[at]) < 0x80 ? one.substr(1, one.size() - 2)
                                                       : std::string(1, text[at]);
    ++at;
  }
  return out + "\"";
}

Expressions::Expressions(const Runbook& runbook) : file_(runbook.file) {
  for (const auto& input : runbook.inputs) inputs_.push_back(input.id);
  for (const auto& step : runbook.steps) {
    probes_.push_back(step.id);
    if (step.use == "logs") log_probes_.push_back(step.id);
  }
  collect(runbook);
  if (slots_.size() > max_slots)
    throw Error(ErrorCode::usage,
                fmt::format("{}:1: more than {} jq texts in one runbook", file_, max_slots));
  for (auto& slot : slots_) inspect(slot);
}

void Expressions::add(Slot::Kind kind, std::string label, const Script& script) {
  if (!script.given()) return;
  by_label_[label] = slots_.size();
  slots_.push_back({kind, std::move(label), script, {}});
}

void Expressions::collect(const Runbook& runbook) {
  for (const auto& fact : runbook.facts) add(Slot::Kind::fact, "facts." + fact.id, fact.value);
  for (const auto& step : runbook.steps) add_step(step);
  for (const auto& evidence : runbook.evidence) {
    const std::string label = "evidence." + evidence.id;
    add(Slot::Kind::condition, label + ".if", evidence.test);
    add(Slot::Kind::text, label + ".say", evidence.say);
    add(Slot::Kind::text, label + ".say_not", evidence.say_not);
    add(Slot::Kind::text, label + ".now", evidence.now);
    add(Slot::Kind::text, label + ".baseline", evidence.baseline);
    add(Slot::Kind::value, label + ".onset", evidence.onset);
  }
  for (const auto& hypothesis : runbook.hypotheses) collect(hypothesis);
  collect(runbook.timeline);
  for (const auto& dont : runbook.dont) {
    add(Slot::Kind::condition, "dont." + dont.id + ".if", dont.condition);
    add(Slot::Kind::text, "dont." + dont.id + ".say", dont.say);
    add(Slot::Kind::text, "dont." + dont.id + ".why", dont.why);
  }
}

void Expressions::add_step(const Step& step) {
  add(Slot::Kind::condition, "probes." + step.id + ".when", step.when);
  for (const auto& [option, script] : step.take)
    add(Slot::Kind::value, "probes." + step.id + ".take." + option, script);
}

void Expressions::collect(const Hypothesis& hypothesis) {
  const std::string base = "hypotheses." + hypothesis.id;
  add(Slot::Kind::text, base + ".chain", hypothesis.chain);
  add(Slot::Kind::value, base + ".onset", hypothesis.onset);
  for (std::size_t i = 0; i < hypothesis.unexplained.size(); ++i) {
    const std::string label = fmt::format("{}.unexplained.{}", base, i);
    add(Slot::Kind::condition, label + ".if", hypothesis.unexplained[i].condition);
    add(Slot::Kind::text, label + ".say", hypothesis.unexplained[i].say);
  }
  for (std::size_t i = 0; i < hypothesis.now.size(); ++i) {
    const Action& action = hypothesis.now[i];
    const std::string label = fmt::format("{}.now.{}", base, i);
    add(Slot::Kind::condition, label + ".if", action.condition);
    add(Slot::Kind::text, label + ".do", action.what);
    add(Slot::Kind::text, label + ".cmd", action.command);
    add(Slot::Kind::text, label + ".risk", action.risk);
    add(Slot::Kind::text, label + ".undo", action.undo);
    add(Slot::Kind::text, label + ".before", action.before);
    add(Slot::Kind::text, label + ".verify", action.verify);
  }
  for (std::size_t i = 0; i < hypothesis.later.size(); ++i)
    add(Slot::Kind::text, fmt::format("{}.later.{}", base, i), hypothesis.later[i]);
}

void Expressions::collect(const std::vector<Moment>& timeline) {
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    add(Slot::Kind::value, fmt::format("timeline.{}.at", i), timeline[i].at);
    add(Slot::Kind::text, fmt::format("timeline.{}.say", i), timeline[i].say);
  }
}

void Expressions::fail(const Slot& slot, const std::string& what, std::string remedy) const {
  throw Error(ErrorCode::usage,
              fmt::format("{}:{}: {}: {}", file_, slot.script.line, slot.label, what),
              std::move(remedy));
}

void Expressions::inspect(Slot& slot) {
  std::vector<Token> tokens;
  const bool is_text = slot.kind == Slot::Kind::text;
  if (slot.script.text.size() > max_expression_bytes)
    fail(slot, fmt::format("longer than {} bytes", max_expression_bytes), {});
  // the literal's own wrapper uses names that only the prelude may define, so it is not inspected
  const std::string source = slot.script.text;
  try {
    if (is_text) {
      for (std::size_t at = source.find("\\("); at != std::string::npos;
           at = source.find("\\(", at)) {
        const std::size_t end = end_of_interpolation(source, at + 2);
        const auto part = tokenize(std::string_view(source).substr(at + 2, end - at - 2));
        tokens.insert(tokens.end(), part.begin(), part.end());
        tokens.push_back({Token::Kind::sign, ","});
        at = end;
      }
    } else {
      tokens = tokenize(source);
    }
    refuse_outside(tokens);
    refuse_raw_comparisons(tokens);
  } catch (const Error& error) {
    fail(slot, error.what(), error.remedy());
  }
  for (auto& use : paths_of(tokens))
    if (std::find(probes_.begin(), probes_.end(), use.root) != probes_.end())
      slot.reads.push_back(std::move(use));
  for (const auto& id : literal_arguments(tokens, "sig"))
    for (const auto& probe : log_probes_) slot.reads.push_back({probe, "/signatures/" + id});
  for (const auto& id : literal_arguments(tokens, "fact")) {
    const auto found = by_label_.find("facts." + id);
    if (found == by_label_.end() || &slots_[found->second] >= &slot)
      fail(slot, fmt::format("there is no fact '{}' before this place", id), {});
    const auto& inherited = slots_[found->second].reads;
    slot.reads.insert(slot.reads.end(), inherited.begin(), inherited.end());
  }
}

const Slot* Expressions::find(const std::string& label) const {
  const auto found = by_label_.find(label);
  return found == by_label_.end() ? nullptr : &slots_[found->second];
}

std::string Expressions::prelude() const {
  std::string text = library;
  text += ".i as $__in | .d as $__doc |\n";
  for (const auto& input : inputs_) text += fmt::format("$__in.{0} as ${0} |\n", input);
  if (log_probes_.empty()) {
    text += "def sig($id): error(\"no probe reads logs\");\n";
  } else {
    std::string sum;
    for (const auto& probe : log_probes_)
      sum += fmt::format("{}$__doc.{}", sum.empty() ? "" : ", ", probe);
    text += fmt::format(
        "def sig($id): [{}] | map(select(. != null)) | if length == 0 then error(\"no log was "
        "read\")"
        " else map(.signatures[$id].count // 0) | add end;\n",
        sum);
  }
  return text + "$__doc | {} as $__facts |\n";
}

std::string Expressions::body(const Slot& slot, bool chosen) {
  if (!chosen) return "{u: \"it was given up: it did not end\"}";
  switch (slot.kind) {
    case Slot::Kind::fact:
    case Slot::Kind::value:
      return fmt::format("try {{v: ([first(({}\n))] | .[0])}} catch {{u: __why}}",
                         slot.script.text);
    case Slot::Kind::condition:
      return fmt::format(
          "try ([first(({}\n))] | .[0] | if type == \"boolean\" then {{v: .}} "
          "else {{u: \"it is neither true nor false\"}} end) catch {{u: __why}}",
          slot.script.text);
    case Slot::Kind::text:
      return fmt::format("try {{v: ({})}} catch {{u: __why}}", string_literal(slot.script.text));
  }
  return "{}";
}

std::string Expressions::program(const std::function<bool(std::size_t)>& chosen) const {
  const std::string fact_function = "def fact($id): $__facts | __get($id);";
  std::string text = prelude();
  std::string end;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const std::string label = json_text(slot.label);
    if (slot.kind == Slot::Kind::fact) {
      text += fmt::format(
          "({} {}) as $__x | ($__facts + {{{}: $__x}}) as $__facts |\n"
          "({{l: {}, a: null}}), (\n",
          fact_function, body(slot, chosen(i)), json_text(slot.label.substr(6)), label);
      end += ")";
    } else if (chosen(i)) {
      text += fmt::format("{{l: {}, a: ({} {})}},\n", label, fact_function, body(slot, true));
    }
  }
  return text + "empty" + end + "\n";
}

std::vector<std::set<std::size_t>> Expressions::portions(const Wanted& wanted) const {
  std::vector<std::set<std::size_t>> portions;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].kind == Slot::Kind::fact || !wanted(slots_[i])) continue;
    if (portions.empty() || portions.back().size() >= longest_portion) portions.emplace_back();
    portions.back().insert(i);
  }
  if (portions.empty()) portions.emplace_back();
  for (auto& portion : portions)
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].kind == Slot::Kind::fact) portion.insert(i);
  return portions;
}

void Expressions::check(const JqLimits& limits) const {
  std::string first;
  for (const auto& portion : portions([](const Slot& /*slot*/) { return true; })) {
    const JqAnswer whole =
        run_jq(program([&](std::size_t i) { return portion.contains(i); }), {}, limits);
    if (whole.end == JqAnswer::End::done) continue;
    if (whole.end != JqAnswer::End::syntax)
      throw Error(ErrorCode::internal, fmt::format("{}: the jq texts: {}", file_, whole.why));
    first = whole.why;
    break;
  }
  if (first.empty()) return;
  std::vector<std::string> programs;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    programs.push_back(program([i](std::size_t index) { return index == i; }));
  JqLimits longer = limits;
  longer.cpu *= 10;
  longer.wall *= 10;
  const auto messages = compile_each(programs, longer);
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (!messages[i].empty()) fail(slots_[i], "jq: " + messages[i], {});
  throw Error(ErrorCode::usage, fmt::format("{}:1: jq: {}", file_, first));
}

std::size_t Expressions::unanswered_slot(const JqAnswer& answer,
                                         const std::function<bool(std::size_t)>& chosen) const {
  std::size_t current = 0;
  for (std::size_t i = 0; i < answer.outputs.size(); ++i)
    if (!answer.outputs[i].empty()) current = i;
  // a set of documents that is complete was followed by one whose first slot does not end
  std::set<std::string> answered;
  const auto& results =
      answer.outputs.empty() ? std::vector<std::string>() : answer.outputs[current];
  for (const auto& result : results)
    answered.insert(parse_json(result, "jq output")["l"].get<std::string>());
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!chosen(i)) continue;
    if (!first) first = i;
    if (!answered.contains(slots_[i].label)) return i;
  }
  return first.value_or(0);
}

Answers Expressions::answers_of(const std::vector<std::string>& results) const {
  Answers answers;
  for (const auto& text : results) {
    const Json result = parse_json(text, "jq output");
    const std::string label = result["l"].get<std::string>();
    const Slot::Kind kind = slots_[by_label_.at(label)].kind;
    if (kind != Slot::Kind::fact) answers[label] = answer_of(result["a"], kind);
  }
  return answers;
}

Expressions::Evaluation Expressions::evaluate(const std::vector<std::string>& documents,
                                              const std::string& inputs, const JqLimits& limits,
                                              const Wanted& wanted) const {
  std::vector<std::string> wrapped_documents;
  wrapped_documents.reserve(documents.size());
  for (const auto& text : documents) wrapped_documents.push_back(dump_json(wrapped(text, inputs)));
  Evaluation evaluation;
  evaluation.answers.resize(documents.size());
  std::set<std::size_t> dropped;
  for (const auto& portion : portions(wanted)) {
    const JqAnswer answer = run_portion(portion, wrapped_documents, limits, dropped, evaluation);
    for (std::size_t i = 0; i < answer.outputs.size(); ++i)
      evaluation.answers[i].merge(answers_of(answer.outputs[i]));
  }
  for (auto& answers : evaluation.answers)
    for (const std::size_t index : dropped)
      answers[slots_[index].label] = {Answer::Kind::unknown, "it was given up: it did not end"};
  return evaluation;
}

JqAnswer Expressions::run_portion(const std::set<std::size_t>& portion,
                                  const std::vector<std::string>& documents, const JqLimits& limits,
                                  std::set<std::size_t>& dropped, Evaluation& evaluation) const {
  const auto chosen = [&](std::size_t i) { return portion.contains(i) && !dropped.contains(i); };
  while (true) {
    JqAnswer answer = run_jq(program(chosen), documents, limits);
    if (answer.end == JqAnswer::End::done) return answer;
    if (answer.end == JqAnswer::End::syntax || dropped.size() >= 3)
      throw Error(answer.end == JqAnswer::End::syntax ? ErrorCode::usage : ErrorCode::budget,
                  fmt::format("{}: the jq texts cannot be evaluated: {}", file_, answer.why));
    const std::size_t found = unanswered_slot(answer, chosen);
    dropped.insert(found);
    evaluation.gaps.push_back({slots_[found].label, "budget",
                               fmt::format("{}:{}: the jq text was given up: {}", file_,
                                           slots_[found].script.line, answer.why),
                               "make the expression shorter; it counts as unknown"});
  }
}

Answer Expressions::one(const std::string& label, const std::string& documents,
                        const std::string& inputs, const JqLimits& limits) const {
  const std::size_t index = by_label_.at(label);
  const auto chosen = [&](std::size_t i) {
    return i == index || slots_[i].kind == Slot::Kind::fact;
  };
  const JqAnswer answer = run_jq(program(chosen), {dump_json(wrapped(documents, inputs))}, limits);
  if (answer.end != JqAnswer::End::done) return {Answer::Kind::unknown, answer.why};
  Answers answers = answers_of(answer.outputs.at(0));
  const auto found = answers.find(label);
  return found == answers.end() ? Answer{Answer::Kind::unknown, "it gave nothing"} : found->second;
}

}  // namespace triage::diagnose
