#include "lib/probes/lag_top.h"

namespace triage::probes::lag_top {

Help help() {
  return {
      "Shows the event loops of a running Node.js process live: how busy each is, how long a new "
      "request waits, the stalls of the last two seconds and what they consisted of. On a terminal "
      "it goes on until Ctrl-C; elsewhere it shows one moment, or with --watch one after the "
      "other.",
      {{"triage lag top port:3000", "live"},
       {"triage lag top 4127 --all", "a cluster: the primary and its workers"},
       {"triage lag top 4127 --watch 10s -o json", "a document every ten seconds"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  lag::describe_observation(options.lag, visitor);
}

lag::Sample collect(const Options& options, Session& session) {
  return lag::collect(options.lag, session);
}

lag::Result analyse(const Options& options, const lag::Sample& sample) {
  return lag::analyse(options.lag, sample);
}

std::vector<Section> sections(const Options& options, const lag::Result& result) {
  std::vector<Section> kept;
  for (auto& section : lag::sections(options.lag, result))
    if (section.title == "LOOPS" || section.title == "WORST STALLS" ||
        section.title == "WHERE THE TIME WENT")
      kept.push_back(std::move(section));
  return kept;
}

}  // namespace triage::probes::lag_top
