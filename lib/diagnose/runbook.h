#pragma once

/// A runbook as a value: what to ask, what the answers mean, which causes they speak for, what to
/// do.
///
///   const Runbook runbook = load_runbook(text, "db-timeout.yaml");
///
/// The loader checks everything that can be checked without running a probe; the jq texts are
/// compiled by diagnose/expressions.h. Nothing in a runbook can change a system: commands are
/// texts.
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace triage::diagnose {

/// A piece of a runbook that holds jq: a condition, a value, or a text with \(jq) inside.
struct Script {
  std::string text;
  int line = 0;  ///< in the file, from 1
  [[nodiscard]] bool given() const { return !text.empty(); }
};

/// `inputs.<id>`: a value that the command line gives; `$id` in jq, `${id}` in `with`. The keys of
/// `window` (since, baseline) are inputs of these names.
struct Input {
  std::string id;
  std::string help;
  std::string fallback;  ///< `default`; empty: none
  bool required = false;
  bool list = false;  ///< may be given several times; a list in jq
};

/// `probes.<id>`: one use of a subcommand.
struct Step {
  std::string id;
  std::string use;                       ///< subcommand: "pool"
  std::string title;                     ///< for reports: "database"
  std::string with;                      ///< JSON object of options, `${input}` not yet replaced
  std::vector<std::string> needs;        ///< inputs without which it is not run but left as a gap
  std::string remedy;                    ///< what to do when it gave nothing
  bool optional = false;                 ///< its absence is no gap worth a warning
  std::chrono::milliseconds timeout{0};  ///< 0: the wall limit of the run
  Script when;                           ///< run only if true; waits for all probes before it
  std::map<std::string, Script> take;    ///< options from the documents of the probes before it
  int line = 0;
};

/// `facts.<id>`: a named jq value.
struct Fact {
  std::string id;
  Script value;
};

/// Strength per hypothesis, -3 .. +3.
using Strengths = std::map<std::string, int>;

/// `evidence.<id>`: a question to the documents, and what its answer is worth.
struct Evidence {
  enum class Role { score, symptom, risk };
  std::string id;
  Role role = Role::score;
  Script test;                     ///< `if`
  Strengths when_true;             ///< `then`
  Strengths when_false;            ///< `else`
  Script say;                      ///< text when true
  Script say_not;                  ///< text when false, for "against other causes"
  Script now;                      ///< the figure now
  Script baseline;                 ///< the figure before
  std::string group;               ///< only the largest step of a group counts
  Script onset;                    ///< of a symptom: when it began, seconds since 1970
  std::set<std::string> of;        ///< of a symptom: the causes that bring it; empty: any
  std::set<std::string> families;  ///< runbooks that it comes from, when several are joined
  int line = 0;
};

/// One action of `now`.
struct Action {
  Script what;     ///< `do`
  Script command;  ///< `cmd`: printed, never run
  Script risk;
  Script undo;
  Script before;
  Script verify;
  Script condition;  ///< `if`
};

/// `unexplained`: something the cause does not explain.
struct Unexplained {
  Script condition;
  Script say;
  std::vector<std::string> next;  ///< commands that would tell
};

/// `hypotheses.<id>`: a possible cause.
struct Hypothesis {
  std::string id;
  std::string title;
  double prior = 1;     ///< relative to the others, > 0
  bool benign = false;  ///< nothing is wrong when it is this
  Script chain;         ///< from the cause to the symptom, in one line
  std::vector<Unexplained> unexplained;
  std::vector<Action> now;
  std::vector<Script> later;
  std::set<std::string> causes;    ///< hypotheses that are effects of this one, directly
  Script onset;                    ///< when it began, seconds since 1970
  std::set<std::string> families;  ///< runbooks that it comes from, when several are joined
  int line = 0;
};

/// One entry of `dont`.
struct Dont {
  std::string id;
  Script say;
  Script why;
  Script condition;
  std::set<std::string> only = {};  ///< `for`: causes that it is said with; empty: all
};

/// One entry of `caps`: without this probe the verdict is at most `verdict`.
struct Cap {
  std::string unless;   ///< probe id
  std::string verdict;  ///< "likely", "possible" or "inconclusive"
  std::string say;
  std::set<std::string> only = {};  ///< `for`: causes that it limits; empty: all
};

/// One entry of `unchecked`: a source that this runbook does not ask, and what it would tell.
struct Unchecked {
  std::string source;
  std::string say;
};

/// One entry of `timeline`: when something began or happened.
struct Moment {
  Script at;  ///< seconds since 1970; unknown or null: not shown
  Script say;
};

/// One entry of `tests`: a recorded set of documents and the verdict that it must give.
struct RecordedCase {
  std::string bundle;
  std::map<std::string, std::string> expect;
};

struct Runbook {
  std::string file;    ///< for messages
  std::string sha256;  ///< of the text, hexadecimal
  std::string id;
  std::string title;
  std::string incident;                                 ///< latency leak db-timeout fd custom
  std::vector<std::string> include;                     ///< built-in runbooks that it joins
  std::map<std::string, std::set<std::string>> causes;  ///< effects across joined runbooks
  std::chrono::milliseconds wall{60'000};
  std::chrono::milliseconds pause{50};  ///< longest stop of a target
  int parallel = 4;
  std::vector<Input> inputs;
  std::vector<Step> steps;
  std::vector<Fact> facts;
  std::vector<Evidence> evidence;
  std::vector<Hypothesis> hypotheses;  ///< with one "none"
  std::vector<Dont> dont;
  std::vector<Cap> caps;
  std::vector<Unchecked> unchecked;
  std::vector<Moment> timeline;
  std::vector<RecordedCase> tests;
};

inline constexpr std::size_t max_runbook_bytes = 256UL * 1024;

/// Reads YAML text. Unknown keys (but not `x-...`), duplicate keys, anchors and aliases, references
/// to a probe or hypothesis that is not there, and files above that size are Error{usage} with
/// "<name>:<line>". The jq texts are not looked into.
Runbook load_runbook(std::string_view text, const std::string& name);

/// One runbook from its own parts and those of the runbooks it includes. Parts of one id are one
/// part: strengths are joined, and Error{usage} names steps, facts or questions that differ. Each
/// evidence and hypothesis knows the runbooks (families) it comes from.
Runbook join_runbooks(Runbook base, const std::vector<Runbook>& parts);

/// The text of a runbook that is part of the program; throws Error{usage} listing the known.
std::string_view find_builtin(std::string_view id);
/// Their ids, in alphabetical order.
std::vector<std::string> builtin_ids();

}  // namespace triage::diagnose
