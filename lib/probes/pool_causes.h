#pragma once

/// The decision table of a pool that gives no connections: which cause the facts name, by which
/// sources, and from which others those sources cannot tell it apart.
#include <string>
#include <vector>

namespace triage::probes::pool {

struct Options;
struct Sample;
struct Result;

struct Cause {
  std::string name;                  ///< "undersized", "client_leak", ...
  std::string text;                  ///< one sentence with numbers and units
  std::vector<std::string> told_by;  ///< "inspector", "pg_stat_activity", "process titles", ...
  std::vector<std::string> not_apart_from;  ///< what the same facts allow as well; empty: named
};

/// Every cause that the facts name, then the sets of causes that they leave open.
std::vector<Cause> find_causes(const Options& options, const Sample& sample, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Cause* /*tag*/) {
  visit("name", self.name, "the cause, or the first of several that fit");
  visit("text", self.text, "one sentence with numbers and units");
  visit("told_by", self.told_by, "sources that show it");
  visit("not_apart_from", self.not_apart_from,
        "causes that these sources cannot tell it apart from; empty when it is named");
}

}  // namespace triage::probes::pool
