#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "lib/probes/fds_analyse.h"

namespace triage::probes::fds {
namespace {

constexpr std::string_view deleted = " (deleted)";

/// What is open now and was not when the watch began, by link text.
std::map<std::string, std::int64_t> born_links(const ProcessSample& process) {
  std::set<std::pair<std::int64_t, std::string>> before;
  for (const auto& descriptor : process.before) before.insert({descriptor.number, descriptor.link});
  std::map<std::string, std::int64_t> born;
  for (const auto& descriptor : process.descriptors) {
    if (before.contains({descriptor.number, descriptor.link})) continue;
    std::string link = descriptor.link;
    if (descriptor.kind == "deleted file") link.resize(link.size() - deleted.size());
    ++born[link];
  }
  return born;
}

/// The sockets of a call that are still there: their numbers may have been used again.
std::int64_t open_sockets(const OpenCall& call, const ProcessSample& process) {
  return std::count_if(
      process.descriptors.begin(), process.descriptors.end(), [&](const Descriptor& descriptor) {
        return descriptor.kind == call.opens && std::find(call.numbers.begin(), call.numbers.end(),
                                                          descriptor.number) != call.numbers.end();
      });
}

}  // namespace

std::vector<Opener> openers_of(const ProcessSample& process) {
  std::vector<Opener> openers;
  if (!process.open_calls) return openers;
  const auto born = born_links(process);
  std::map<std::string, int> stacks_of_target;
  for (const auto& call : process.open_calls->calls)
    if (call.opens == "file") ++stacks_of_target[call.target];
  for (const auto& call : process.open_calls->calls) {
    Opener opener{call.call, call.opens, call.target, call.stack, call.count, std::nullopt, false};
    if (call.opens == "tcp" || call.opens == "unix")
      opener.open_count = open_sockets(call, process);
    if (call.opens == "file" && !call.target.empty()) {
      const auto found = born.find(call.target);
      opener.open_count =
          found == born.end() ? 0 : std::min<std::int64_t>(found->second, call.count);
      opener.shared = stacks_of_target[call.target] > 1 && *opener.open_count > 0;
    }
    openers.push_back(std::move(opener));
  }
  std::stable_sort(openers.begin(), openers.end(), [](const Opener& a, const Opener& b) {
    return a.open_count.value_or(-1) > b.open_count.value_or(-1);
  });
  return openers;
}

}  // namespace triage::probes::fds
