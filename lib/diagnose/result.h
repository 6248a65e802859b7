#pragma once

/// The verdict of a run as a value: JSON `triage/run/1` and its schema follow from fields().
#include <optional>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/base/gap.h"

namespace triage::diagnose {

struct RunbookFacts {
  std::string id;
  std::string title;
  std::string sha256;
};

struct RunnerUp {
  std::string id;
  std::string title;
  double share = 0;
};

struct VerdictFacts {
  /// confirmed, likely, possible, inconclusive, or healthy
  std::string word;
  std::optional<std::string> hypothesis;  ///< null when healthy or when nothing leads
  std::string headline;                   ///< one sentence
  std::string chain;                      ///< from cause to symptom, or empty
  std::optional<double> share;
  std::optional<RunnerUp> runner_up;
  std::vector<std::string> capped_by;
};

struct MoveFacts {
  std::string evidence;
  double ln = 0;
};

struct HypothesisFacts {
  std::string id;
  std::string title;
  double prior = 1;
  double share = 0;
  std::vector<MoveFacts> moved_by;
  std::string explained_by;  ///< the cause whose effect it is, or empty
  std::string chain;         ///< of a cause that stands beside the first
};

/// A runbook that was joined with others, and whether it had something to explain.
struct FollowedFacts {
  std::string runbook;
  bool symptom = false;
};

struct SourceFacts {
  std::string probe;
  std::string source;
  std::string at;
  std::string repeat;
  std::vector<std::string> figures;
};

struct EvidenceFacts {
  std::string id;
  std::string n;      ///< "e1": number in the report; "r1" for risks; empty when not shown
  std::string role;   ///< score, symptom or risk
  std::string state;  ///< true, false or unknown
  std::string say;    ///< when unknown: why
  std::string now;
  std::string baseline;
  std::string group;
  std::vector<std::string> probes;
  std::vector<SourceFacts> provenance;
};

struct ActionFacts {
  std::string what;
  std::string command;
  std::string risk;
  std::string undo;
  std::string before;
  std::string verify;
};

struct DontFacts {
  std::string id;
  std::string say;
  std::string why;
};

struct UnexplainedFacts {
  std::string say;
  std::vector<std::string> next;
};

struct RestFacts {
  std::string probe;
  std::string hypothesis;
  std::string word;
};

struct SettlerFacts {
  std::string evidence;
  std::string why;
  std::string remedy;
  double spread = 0;
};

struct ProbeFacts {
  std::string id;
  std::string use;
  std::string title;
  std::string state;  ///< answered, failed, skipped or late
  std::string why;
  std::optional<std::string> at;
  std::optional<std::string> target;
};

struct MomentFacts {
  std::string at;
  double at_s = 0;
  std::string say;
  std::vector<std::string> probes;
};

struct UncheckedFacts {
  std::string source;
  std::string say;
};

struct Result {
  std::string at;
  std::string target;
  std::optional<std::string> window_to;  ///< end of the window; null: now
  RunbookFacts runbook;
  VerdictFacts verdict;
  std::vector<HypothesisFacts> hypotheses;
  std::vector<EvidenceFacts> evidence;
  std::vector<std::string> unknown;
  std::vector<RestFacts> rests_on;
  std::vector<SettlerFacts> would_settle;
  std::vector<std::string> co_causes;
  std::vector<ActionFacts> now;
  std::vector<DontFacts> dont;
  std::vector<std::string> later;
  std::vector<UnexplainedFacts> unexplained;
  std::vector<MomentFacts> timeline;
  std::vector<UncheckedFacts> unchecked;
  std::vector<FollowedFacts> followed;
  std::vector<ProbeFacts> probes;
  std::vector<Gap> gaps;
  int exit = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RunbookFacts* /*tag*/) {
  visit("id", self.id, "name of the runbook");
  visit("title", self.title, "what it looks for");
  visit("sha256", self.sha256, "of its text");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RunnerUp* /*tag*/) {
  visit("id", self.id, "hypothesis in second place");
  visit("title", self.title, "in words");
  visit("share", self.share, "0..1 over all hypotheses");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const VerdictFacts* /*tag*/) {
  visit("word", self.word, "confirmed, likely, possible, inconclusive or healthy");
  visit("hypothesis", self.hypothesis, "first in the order; null when healthy");
  visit("headline", self.headline, "the verdict in one sentence");
  visit("chain", self.chain, "from the cause to the symptom, or empty");
  visit("share", self.share, "0..1 over all hypotheses; no probability of truth");
  visit("runner_up", self.runner_up, "second place; null when healthy");
  visit("capped_by", self.capped_by, "why the word is not stronger");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const MoveFacts* /*tag*/) {
  visit("evidence", self.evidence, "what moved it");
  visit("ln", self.ln, "natural logarithm of the likelihood ratio");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const HypothesisFacts* /*tag*/) {
  visit("id", self.id, "name of the cause");
  visit("title", self.title, "in words");
  visit("prior", self.prior, "relative, before any evidence");
  visit("share", self.share, "0..1 over all hypotheses");
  visit("moved_by", self.moved_by, "evidence that moved it");
  visit("explained_by", self.explained_by, "the cause whose effect it is, or empty");
  visit("chain", self.chain, "of a cause that stands beside the first: to the symptom");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FollowedFacts* /*tag*/) {
  visit("runbook", self.runbook, "name of a runbook that was joined");
  visit("symptom", self.symptom, "whether a symptom of it is true");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SourceFacts* /*tag*/) {
  visit("probe", self.probe, "step of the runbook");
  visit("source", self.source, "where the probe read it");
  visit("at", self.at, "when, RFC 3339 UTC");
  visit("repeat", self.repeat, "shell line that reproduces the raw answer");
  visit("figures", self.figures, "JSON pointers into the probe's document");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const EvidenceFacts* /*tag*/) {
  visit("id", self.id, "name in the runbook");
  visit("n", self.n, "number in the report, or empty");
  visit("role", self.role, "score, symptom or risk");
  visit("state", self.state, "true, false or unknown");
  visit("say", self.say, "in words; when unknown: why");
  visit("now", self.now, "the figure now, or empty");
  visit("baseline", self.baseline, "the figure before, or empty");
  visit("group", self.group, "of a group only the largest step counts");
  visit("probes", self.probes, "steps that it reads");
  visit("provenance", self.provenance, "sources of its figures");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ActionFacts* /*tag*/) {
  visit("do", self.what, "what to do");
  visit("cmd", self.command, "text to copy, never run by triage; or empty");
  visit("risk", self.risk, "what it may cost");
  visit("undo", self.undo, "how to take it back");
  visit("before", self.before, "what to do first");
  visit("verify", self.verify, "how to see that it worked");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const DontFacts* /*tag*/) {
  visit("id", self.id, "name in the runbook");
  visit("say", self.say, "what not to do");
  visit("why", self.why, "why not");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const UnexplainedFacts* /*tag*/) {
  visit("say", self.say, "what the cause does not explain");
  visit("next", self.next, "commands that would tell");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RestFacts* /*tag*/) {
  visit("probe", self.probe, "step whose loss would change the verdict");
  visit("hypothesis", self.hypothesis, "first without it");
  visit("word", self.word, "word without it");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SettlerFacts* /*tag*/) {
  visit("evidence", self.evidence, "unknown evidence");
  visit("why", self.why, "why it is unknown");
  visit("remedy", self.remedy, "how to get it");
  visit("spread", self.spread, "how far it can move the two leaders apart, ln");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ProbeFacts* /*tag*/) {
  visit("id", self.id, "step of the runbook");
  visit("use", self.use, "subcommand");
  visit("title", self.title, "in words");
  visit("state", self.state, "answered, failed, skipped or late");
  visit("why", self.why, "when it gave nothing");
  visit("at", self.at, "when its facts were read");
  visit("target", self.target, "what it looked at");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const MomentFacts* /*tag*/) {
  visit("at", self.at, "when, RFC 3339 UTC");
  visit("at_s", self.at_s, "the same in seconds since 1970");
  visit("say", self.say, "what happened");
  visit("probes", self.probes, "steps that say so");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const UncheckedFacts* /*tag*/) {
  visit("source", self.source, "a source that this runbook does not ask");
  visit("say", self.say, "what it would tell");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("at", self.at, "when the run started, RFC 3339 UTC");
  visit("target", self.target, "what was looked at");
  visit("window_to", self.window_to, "end of the time that logs and metrics are of; null: now");
  visit("runbook", self.runbook, "which runbook");
  visit("verdict", self.verdict, "what was found");
  visit("hypotheses", self.hypotheses, "most likely first");
  visit("evidence", self.evidence, "in the order of the runbook");
  visit("unknown", self.unknown, "evidence that could not be decided");
  visit("rests_on", self.rests_on, "probes whose loss would change the verdict");
  visit("would_settle", self.would_settle, "unknown evidence, most decisive first");
  visit("co_causes", self.co_causes, "further causes that hold on evidence of their own");
  visit("now", self.now, "what to do, in this order");
  visit("dont", self.dont, "what not to do");
  visit("later", self.later, "what to fix");
  visit("unexplained", self.unexplained, "what stays open");
  visit("timeline", self.timeline, "what happened, earliest first");
  visit("unchecked", self.unchecked, "sources that were not asked");
  visit("followed", self.followed, "runbooks that were joined; empty when it is one");
  visit("probes", self.probes, "in the order of the runbook");
  visit("gaps", self.gaps, "what could not be read");
  visit("exit", self.exit, "exit code of the verdict");
}

}  // namespace triage::diagnose
