#include "lib/diagnose/conclude.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/diagnose/evidence_sources.h"
#include "lib/diagnose/rank.h"

namespace triage::diagnose {
namespace {

/// Turns the answers of jq into a Result, part by part.
class Judge {
 public:
  Judge(const Runbook& runbook, const Expressions& expressions, const Collection& collection)
      : runbook_(runbook), expressions_(expressions), collection_(collection) {
    for (const auto& step : runbook.steps) {
      const auto found = collection.steps.find(step.id);
      if (found == collection.steps.end() || found->second.document.empty())
        missing_.insert(step.id);
      else
        documents_[step.id] = parse_json(found->second.document, step.id);
    }
  }

  Result judge(const Circumstances& circumstances, const JqLimits& limits) {
    std::vector<std::string> documents{documents_of(runbook_, collection_)};
    std::vector<std::string> left_out;
    for (const auto& step : runbook_.steps) {
      if (missing_.contains(step.id)) continue;
      documents.push_back(documents_of(runbook_, collection_, step.id));
      left_out.push_back(step.id);
    }
    auto evaluation = expressions_.evaluate(documents, circumstances.inputs, limits, decides);
    answers_ = evaluation.answers.front();
    view_ = view_of(answers_, missing_);
    for (std::size_t i = 0; i < left_out.size(); ++i) {
      std::set<std::string> missing = missing_;
      missing.insert(left_out[i]);
      without_[left_out[i]] = view_of(evaluation.answers[i + 1], missing);
    }
    ranking_ = rank(runbook_, view_);
    // jq takes long to compile: of the texts only those that are shown
    auto texts = expressions_.evaluate({documents.front()}, circumstances.inputs, limits,
                                       [this](const Slot& slot) { return is_told(slot.label); });
    answers_.merge(texts.answers.front());
    evaluation.gaps.insert(evaluation.gaps.end(), texts.gaps.begin(), texts.gaps.end());
    result_.at = circumstances.at;
    result_.target = circumstances.target;
    result_.runbook = {runbook_.id, runbook_.title, runbook_.sha256};
    result_.gaps = collection_.gaps;
    result_.gaps.insert(result_.gaps.end(), evaluation.gaps.begin(), evaluation.gaps.end());
    list_probes();
    list_evidence();
    decide();
    list_timeline();
    for (const auto& unchecked : runbook_.unchecked)
      result_.unchecked.push_back({unchecked.source, unchecked.say});
    note_window(parse_json(circumstances.inputs, "inputs"));
    return std::move(result_);
  }

 private:
  /// "evidence.slots_full.say" -> {"evidence", "slots_full", "say"}.
  static std::array<std::string, 3> parts_of(const std::string& label) {
    const auto first = label.find('.');
    const auto second = label.find('.', first + 1);
    return {label.substr(0, first), label.substr(first + 1, second - first - 1),
            second == std::string::npos ? "" : label.substr(second + 1)};
  }

  /// Whether the order of the causes depends on a text.
  static bool decides(const Slot& slot) {
    const auto [kind, id, rest] = parts_of(slot.label);
    return rest == "onset" || (kind == "evidence" && rest == "if") ||
           (kind == "timeline" && rest == "at");
  }

  /// Whether a text appears in the report, once the causes are in order.
  [[nodiscard]] bool is_told(const std::string& label) const {
    const auto [kind, id, rest] = parts_of(label);
    if (rest == "onset" || rest == "if" || rest == "at") return kind == "dont";
    if (kind == "evidence") {
      const State state = view_.states.at(id);
      return rest == (state == State::yes ? "say" : "say_not")
                 ? state != State::unknown
                 : state != State::unknown && rest != "say" && rest != "say_not";
    }
    if (kind == "hypotheses")
      return id == ranking_.scores.front().id ||
             std::find(ranking_.co_causes.begin(), ranking_.co_causes.end(), id) !=
                 ranking_.co_causes.end();
    if (kind == "timeline") return seconds(answers_, "timeline." + id + ".at").has_value();
    return kind == "dont";
  }

  [[nodiscard]] View view_of(const Answers& answers, std::set<std::string> missing) const {
    View view{{}, std::move(missing)};
    for (const auto& evidence : runbook_.evidence) {
      const auto found = answers.find("evidence." + evidence.id + ".if");
      State state = State::unknown;
      if (found != answers.end() && found->second.kind == Answer::Kind::yes) state = State::yes;
      if (found != answers.end() && found->second.kind == Answer::Kind::no) state = State::no;
      view.states[evidence.id] = state;
      const auto onset = seconds(answers, "evidence." + evidence.id + ".onset");
      if (state == State::yes && onset)
        view.symptom_onset = std::min(*onset, view.symptom_onset.value_or(*onset));
    }
    for (const auto& hypothesis : runbook_.hypotheses)
      if (const auto onset = seconds(answers, "hypotheses." + hypothesis.id + ".onset"))
        view.onsets[hypothesis.id] = *onset;
    return view;
  }

  /// A time in an answer; nothing for what is unknown or no year that a clock shows.
  static std::optional<double> seconds(const Answers& answers, const std::string& label) {
    const auto found = answers.find(label);
    if (found == answers.end() || found->second.kind != Answer::Kind::value) return std::nullopt;
    const Json value = parse_json(found->second.text, label);
    // RFC 3339 has four digits for a year
    if (!value.is_number() || !(value.get<double>() > 0 && value.get<double>() < 253e9))
      return std::nullopt;
    return value.get<double>();
  }

  [[nodiscard]] std::string text(const std::string& label) const {
    const auto found = answers_.find(label);
    return found != answers_.end() && found->second.kind == Answer::Kind::text ? found->second.text
                                                                               : std::string();
  }

  /// Whether an `if` lets its entry through: absent, or true.
  [[nodiscard]] bool holds(const std::string& label, const Script& condition) const {
    if (!condition.given()) return true;
    const auto found = answers_.find(label);
    return found != answers_.end() && found->second.kind == Answer::Kind::yes;
  }

  void list_probes() {
    for (const auto& step : runbook_.steps) {
      ProbeFacts facts{step.id, step.use, step.title, "skipped", {}, {}, {}};
      if (const auto found = collection_.steps.find(step.id); found != collection_.steps.end()) {
        facts.state = name_of(found->second.state);
        facts.why = found->second.why;
      }
      if (const auto found = documents_.find(step.id); found != documents_.end()) {
        facts.at = member(found->second, "at");
        facts.target = member(found->second, "target");
        note_gaps(step, found->second);
      }
      result_.probes.push_back(std::move(facts));
    }
  }

  static std::optional<std::string> member(const Json& document, const char* key) {
    const auto found = document.find(key);
    if (found == document.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
  }

  /// What a probe could not read is a gap of the run too, under "<step>.<fact>".
  void note_gaps(const Step& step, const Json& document) {
    const auto gaps = document.find("gaps");
    if (gaps == document.end() || !gaps->is_array()) return;
    for (const auto& gap : from_json<std::vector<Gap>>(*gaps, step.id + ".gaps"))
      result_.gaps.push_back({step.id + "." + gap.what, gap.code, gap.why, gap.remedy});
  }

  void list_evidence() {
    int shown = 0;
    int risks = 0;
    for (const auto& evidence : runbook_.evidence) {
      const std::string label = "evidence." + evidence.id;
      const State state = view_.states.at(evidence.id);
      EvidenceFacts facts;
      facts.id = evidence.id;
      facts.role = evidence.role == Evidence::Role::symptom ? "symptom"
                   : evidence.role == Evidence::Role::risk  ? "risk"
                                                            : "score";
      facts.state = name_of(state);
      facts.group = evidence.group;
      if (const Slot* slot = expressions_.find(label + ".if")) {
        facts.probes = probes_of(slot->reads);
        facts.provenance = sources_of(slot->reads, documents_);
      }
      facts.now = state == State::unknown ? "" : text(label + ".now");
      facts.baseline = state == State::unknown ? "" : text(label + ".baseline");
      if (state == State::yes) {
        facts.say = text(label + ".say");
        facts.n = evidence.role == Evidence::Role::risk ? fmt::format("r{}", ++risks)
                                                        : fmt::format("e{}", ++shown);
      } else if (state == State::no) {
        facts.say = text(label + ".say_not");
      } else {
        facts.say = why_unknown(label, facts.probes);
        result_.unknown.push_back(evidence.id);
      }
      result_.evidence.push_back(std::move(facts));
    }
  }

  [[nodiscard]] std::string why_unknown(const std::string& label,
                                        const std::vector<std::string>& probes) const {
    for (const auto& step : runbook_.steps)
      if (missing_.contains(step.id) &&
          std::find(probes.begin(), probes.end(), step.id) != probes.end()) {
        const auto found = collection_.steps.find(step.id);
        return fmt::format("{}: {}", step.title,
                           found == collection_.steps.end() ? "not asked" : found->second.why);
      }
    const auto found = answers_.find(label + ".if");
    return found == answers_.end() ? "it was not evaluated" : found->second.text;
  }

  /// Of a window that is over, what only the present shows was not seen.
  void note_window(const Json& inputs) {
    if (!inputs.contains("to") || !inputs["to"].is_string()) return;
    result_.window_to = inputs["to"].get<std::string>();
    result_.unchecked.push_back(
        {"process and database as they were before " + *result_.window_to,
         "they were looked at when this ran; logs, metrics and traces are of the window"});
  }

  /// A joined runbook asks what it was given the means for; one that is asked by itself needs them.
  [[nodiscard]] bool was_not_given(const Step& step) const {
    const auto found = collection_.steps.find(step.id);
    return !runbook_.include.empty() && found != collection_.steps.end() &&
           found->second.state == StepOutcome::State::skipped;
  }

  /// "event loop, memory": what was read.
  [[nodiscard]] std::string looked_at() const {
    std::vector<std::string> titles;
    for (const auto& step : runbook_.steps)
      if (!missing_.contains(step.id)) titles.push_back(step.title);
    return fmt::format("{}", fmt::join(titles, ", "));
  }

  /// Whether all probes that an evidence reads may be absent without a word.
  [[nodiscard]] bool optional_only(const EvidenceFacts& evidence) const {
    return !evidence.probes.empty() &&
           std::all_of(evidence.probes.begin(), evidence.probes.end(), [&](const auto& id) {
             const auto step = std::find_if(runbook_.steps.begin(), runbook_.steps.end(),
                                            [&](const Step& one) { return one.id == id; });
             return step != runbook_.steps.end() && (step->optional || was_not_given(*step));
           });
  }

  void decide() {
    bool symptom = false;
    bool known = true;
    bool any = false;
    for (const auto& evidence : result_.evidence) {
      if (evidence.role != "symptom") continue;
      any = true;
      symptom = symptom || evidence.state == "true";
      if (evidence.state == "unknown" && !optional_only(evidence)) known = false;
    }
    const Ranking& ranking = ranking_;
    list_followed();
    list_hypotheses(ranking);
    for (const auto& settler : would_settle(runbook_, view_, ranking)) add_settler(settler);
    if (!any && std::all_of(result_.evidence.begin(), result_.evidence.end(),
                            [](const auto& evidence) { return evidence.role == "risk"; }))
      hints_only();
    else if (any && !symptom)
      without_symptom(known, ranking);
    else
      with_cause(ranking);
    result_.exit = result_.verdict.word == "healthy"                                         ? 0
                   : result_.verdict.word == "confirmed" || result_.verdict.word == "likely" ? 1
                                                                                             : 3;
  }

  void list_followed() {
    for (const auto& id : runbook_.include) {
      const bool symptom = std::any_of(
          runbook_.evidence.begin(), runbook_.evidence.end(), [&](const Evidence& evidence) {
            return evidence.role == Evidence::Role::symptom && evidence.families.contains(id) &&
                   view_.states.at(evidence.id) == State::yes;
          });
      result_.followed.push_back({id, symptom});
    }
  }

  void list_hypotheses(const Ranking& ranking) {
    for (const auto& score : ranking.scores) {
      const Hypothesis& hypothesis = find(score.id);
      HypothesisFacts facts{
          score.id, hypothesis.title, hypothesis.prior, score.share, {}, score.explained_by, {}};
      for (const auto& move : score.moved_by) facts.moved_by.push_back({move.evidence, move.ln});
      if (std::find(ranking.co_causes.begin(), ranking.co_causes.end(), score.id) !=
          ranking.co_causes.end())
        facts.chain = text("hypotheses." + score.id + ".chain");
      result_.hypotheses.push_back(std::move(facts));
    }
  }

  void add_settler(const Settler& settler) {
    SettlerFacts facts{settler.evidence, {}, {}, settler.spread};
    for (const auto& evidence : result_.evidence) {
      if (evidence.id != settler.evidence) continue;
      facts.why = evidence.say;
      for (const auto& gap : result_.gaps) {
        const std::string step = gap.what.substr(0, gap.what.find('.'));
        const bool about = std::find(evidence.probes.begin(), evidence.probes.end(), step) !=
                           evidence.probes.end();
        if (about && facts.remedy.empty()) facts.remedy = gap.remedy;
      }
    }
    result_.would_settle.push_back(std::move(facts));
  }

  /// A runbook of hints alone gives no verdict on an incident.
  void hints_only() {
    const auto count = std::count_if(result_.evidence.begin(), result_.evidence.end(),
                                     [](const auto& evidence) { return evidence.state == "true"; });
    result_.verdict.word = missing_.size() == runbook_.steps.size() ? "inconclusive" : "healthy";
    result_.verdict.headline = fmt::format("{} hints; no verdict on an incident", count);
  }

  /// Without a symptom no cause is named; whether that is good news depends on what could be read.
  void without_symptom(bool known, const Ranking& ranking) {
    VerdictFacts& verdict = result_.verdict;
    for (const auto& cap : runbook_.caps)
      if (cap.only.empty() && view_.missing.contains(cap.unless))
        verdict.capped_by.push_back(cap.say);
    if (known && verdict.capped_by.empty() && missing_.size() < runbook_.steps.size()) {
      verdict.word = "healthy";
      verdict.headline = missing_.empty()
                             ? "Nothing wrong found: nothing abnormal in this window"
                             : "Nothing wrong found: nothing abnormal in " + looked_at();
      return;
    }
    verdict.word = "inconclusive";
    verdict.headline = "No symptom in what could be read, but not everything could be read";
    verdict.share = ranking.scores.front().share;
  }

  void with_cause(const Ranking& ranking) {
    const Score& first = ranking.scores.front();
    const Hypothesis& cause = find(first.id);
    VerdictFacts& verdict = result_.verdict;
    verdict.word = ranking.word;
    verdict.capped_by = ranking.capped_by;
    verdict.share = first.share;
    verdict.hypothesis = first.id;
    for (const auto& score : ranking.scores) {
      if (score.id == first.id || !score.explained_by.empty() ||
          std::find(ranking.co_causes.begin(), ranking.co_causes.end(), score.id) !=
              ranking.co_causes.end())
        continue;
      verdict.runner_up = RunnerUp{score.id, find(score.id).title, score.share};
      break;
    }
    for (const auto& rest : rests_on(runbook_, ranking, without_))
      result_.rests_on.push_back({rest.probe, rest.hypothesis, rest.word});
    for (const auto& dont : runbook_.dont)
      if ((dont.only.empty() || dont.only.contains(first.id)) &&
          holds("dont." + dont.id + ".if", dont.condition))
        result_.dont.push_back(
            {dont.id, text("dont." + dont.id + ".say"), text("dont." + dont.id + ".why")});
    if (verdict.word == "inconclusive") {
      verdict.headline = first.id == "none"
                             ? "There is a symptom, and none of the known causes fits it"
                             : "There is a symptom, and no cause stands out";
      return;
    }
    if (cause.benign && ranking.co_causes.empty()) {
      verdict = VerdictFacts{};
      verdict.word = "healthy";
      verdict.headline = "Nothing wrong found: " + cause.title;
      verdict.chain = text("hypotheses." + cause.id + ".chain");
      result_.dont.clear();
      result_.rests_on.clear();
      return;
    }
    verdict.headline = cause.title;
    if (!verdict.headline.empty() && verdict.headline[0] >= 'a' && verdict.headline[0] <= 'z')
      verdict.headline[0] = static_cast<char>(verdict.headline[0] - 'a' + 'A');
    verdict.chain = text("hypotheses." + cause.id + ".chain");
    result_.co_causes = ranking.co_causes;
    list_advice(cause);
    for (const auto& id : ranking.co_causes) list_advice(find(id));
    list_unexplained_symptoms(cause.id);
  }

  /// What is true and that neither the first cause, nor one beside it, nor their effects bring.
  void list_unexplained_symptoms(const std::string& first) {
    std::set<std::string> named{first};
    named.insert(result_.co_causes.begin(), result_.co_causes.end());
    for (const auto& cause : std::set<std::string>(named)) named.merge(effects_of(runbook_, cause));
    for (const auto& evidence : runbook_.evidence) {
      const bool open = evidence.role == Evidence::Role::symptom && !evidence.of.empty() &&
                        view_.states.at(evidence.id) == State::yes &&
                        std::none_of(evidence.of.begin(), evidence.of.end(),
                                     [&](const auto& id) { return named.contains(id); });
      if (!open) continue;
      const std::string label = "evidence." + evidence.id;
      result_.unexplained.push_back({fmt::format("{} ({}): no cause that was found here brings it",
                                                 text(label + ".say"), text(label + ".now")),
                                     {}});
    }
  }

  void list_advice(const Hypothesis& cause) {
    const std::string base = "hypotheses." + cause.id;
    for (std::size_t i = 0; i < cause.unexplained.size(); ++i) {
      const std::string label = fmt::format("{}.unexplained.{}", base, i);
      if (holds(label + ".if", cause.unexplained[i].condition))
        result_.unexplained.push_back({text(label + ".say"), cause.unexplained[i].next});
    }
    for (std::size_t i = 0; i < cause.now.size(); ++i) {
      const std::string label = fmt::format("{}.now.{}", base, i);
      if (!holds(label + ".if", cause.now[i].condition)) continue;
      result_.now.push_back({text(label + ".do"), text(label + ".cmd"), text(label + ".risk"),
                             text(label + ".undo"), text(label + ".before"),
                             text(label + ".verify")});
    }
    for (std::size_t i = 0; i < cause.later.size(); ++i)
      result_.later.push_back(text(fmt::format("{}.later.{}", base, i)));
  }

  void list_timeline() {
    for (std::size_t i = 0; i < runbook_.timeline.size(); ++i) {
      const std::string label = fmt::format("timeline.{}", i);
      const auto at = seconds(answers_, label + ".at");
      if (!at) continue;
      MomentFacts facts{to_rfc3339(from_epoch_seconds(*at)), *at, text(label + ".say"), {}};
      facts.probes = probes_of(expressions_.find(label + ".at")->reads);
      result_.timeline.push_back(std::move(facts));
    }
    std::stable_sort(result_.timeline.begin(), result_.timeline.end(),
                     [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  }

  [[nodiscard]] const Hypothesis& find(const std::string& id) const {
    return *std::find_if(runbook_.hypotheses.begin(), runbook_.hypotheses.end(),
                         [&](const Hypothesis& one) { return one.id == id; });
  }

  const Runbook& runbook_;
  const Expressions& expressions_;
  const Collection& collection_;
  std::map<std::string, Json> documents_;
  std::set<std::string> missing_;
  Answers answers_;
  View view_;
  Ranking ranking_;
  std::map<std::string, View> without_;
  Result result_;
};

}  // namespace

Result conclude(const Runbook& runbook, const Expressions& expressions,
                const Collection& collection, const Circumstances& circumstances,
                const JqLimits& limits) {
  return Judge(runbook, expressions, collection).judge(circumstances, limits);
}

std::string inputs_json(const Runbook& runbook, const Inputs& inputs) {
  Json json = Json::object();
  for (const auto& input : runbook.inputs) {
    const auto found = inputs.find(input.id);
    if (found == inputs.end())
      json[input.id] = nullptr;
    else if (input.list)
      json[input.id] = found->second;
    else
      json[input.id] = found->second.empty() ? Json() : Json(found->second.front());
  }
  return dump_json(json);
}

}  // namespace triage::diagnose
