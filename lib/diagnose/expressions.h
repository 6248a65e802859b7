#pragma once

/// All jq of a runbook as one program: the library parses its built-ins for each program anew
/// (some 20 ms), so sixty programs cost thirty times one.
///
/// The prelude gives `v(path)` (the value, or unknown), `fact("id")` (a fact, unknown if it was),
/// `sig("id")` (lines of a log signature in the window), `percent`, `duration`, `count`, `clip` and
/// `time_of_day` for texts, `epoch` for times, and each input as `$name`. An expression that raises
/// is unknown.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/base/gap.h"
#include "lib/diagnose/jq.h"
#include "lib/diagnose/jq_text.h"
#include "lib/diagnose/runbook.h"

namespace triage::diagnose {

/// One place of the runbook that holds jq.
struct Slot {
  enum class Kind { fact, condition, value, text };
  Kind kind = Kind::condition;
  std::string label;  ///< "evidence.scope.if", "hypotheses.hog.now.0.cmd"
  Script script;
  std::vector<PathUse> reads;  ///< root is a probe; facts and sig() are followed
};

/// What an expression said.
struct Answer {
  enum class Kind { yes, no, value, text, unknown };
  Kind kind = Kind::unknown;
  std::string text;  ///< the text, the value as JSON, or why it is unknown
};

/// By label, without the facts.
using Answers = std::map<std::string, Answer>;

class Expressions {
 public:
  /// Collects and inspects every text. Throws Error{usage} "<file>:<line>: <label>: ..." for words
  /// that reach outside, raw comparisons, unknown facts, and brackets or strings that do not end.
  explicit Expressions(const Runbook& runbook);

  [[nodiscard]] const std::vector<Slot>& slots() const { return slots_; }
  /// nullptr when the runbook has no such text.
  [[nodiscard]] const Slot* find(const std::string& label) const;

  /// Source text of the program with the chosen slots: one result {l: label, a: answer} per slot,
  /// in their order, so that a caller knows which one did not end. Facts that are not chosen are
  /// unknown.
  [[nodiscard]] std::string program(const std::function<bool(std::size_t)>& chosen) const;

  /// Compiles everything; Error{usage} names the expression at fault.
  void check(const JqLimits& limits) const;

  struct Evaluation {
    std::vector<Answers> answers;  ///< one per set of documents
    std::vector<Gap> gaps;         ///< expressions that did not end and count as unknown
  };
  /// Which texts an evaluation is about; facts are always evaluated.
  using Wanted = std::function<bool(const Slot&)>;

  /// `documents` are JSON objects {probe: document or null}, `inputs` one {name: value or null}.
  /// Expressions that never end are given up and noted; the others are kept. Throws
  /// Error{budget} when more than three do.
  [[nodiscard]] Evaluation evaluate(const std::vector<std::string>& documents,
                                    const std::string& inputs, const JqLimits& limits,
                                    const Wanted& wanted) const;
  /// One text, before all documents are there.
  [[nodiscard]] Answer one(const std::string& label, const std::string& documents,
                           const std::string& inputs, const JqLimits& limits) const;

 private:
  void collect(const Runbook& runbook);
  void collect(const Hypothesis& hypothesis);
  void collect(const std::vector<Moment>& timeline);
  [[nodiscard]] std::vector<std::set<std::size_t>> portions(const Wanted& wanted) const;
  JqAnswer run_portion(const std::set<std::size_t>& portion,
                       const std::vector<std::string>& documents, const JqLimits& limits,
                       std::set<std::size_t>& dropped, Evaluation& evaluation) const;
  void add_step(const Step& step);
  void add(Slot::Kind kind, std::string label, const Script& script);
  void inspect(Slot& slot);
  [[nodiscard]] std::string prelude() const;
  static std::string body(const Slot& slot, bool chosen);
  [[noreturn]] void fail(const Slot& slot, const std::string& what, std::string remedy) const;
  [[nodiscard]] Answers answers_of(const std::vector<std::string>& results) const;
  [[nodiscard]] std::size_t unanswered_slot(const JqAnswer& answer,
                                            const std::function<bool(std::size_t)>& chosen) const;

  std::string file_;
  std::vector<std::string> inputs_;
  std::vector<std::string> probes_;
  std::vector<std::string> log_probes_;
  std::vector<Slot> slots_;
  std::map<std::string, std::size_t> by_label_;
};

/// A text with \(jq) inside as a jq string literal; what is null or raises becomes "unknown".
std::string string_literal(std::string_view text);

}  // namespace triage::diagnose
