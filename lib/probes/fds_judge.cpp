#include <fmt/format.h>

#include "lib/base/units.h"
#include "lib/probes/fds_analyse.h"

namespace triage::probes::fds {
namespace {

constexpr double critical_ratio = 0.9;
constexpr double warning_ratio = 0.8;
/// A few CLOSE_WAIT sockets are a moment; more are answers that the service never closes.
constexpr std::int64_t close_wait_pile = 20;
constexpr double soon_s = 600;
constexpr double later_s = 3600;
/// One file this often, as this share of the table, is no working set.
constexpr std::int64_t same_file_count = 100;
constexpr double same_file_ratio = 0.25;
constexpr std::int64_t same_peer_count = 100;
constexpr double same_peer_ratio = 0.25;

void judge_limit(Result& result) {
  Envelope& envelope = result.envelope;
  if (!result.used_ratio) {
    envelope.find("limit_unknown", Severity::unknown,
                  "the number of descriptors or their limit could not be read");
  } else if (*result.used_ratio >= warning_ratio) {
    envelope.find(
        "near_limit", *result.used_ratio >= critical_ratio ? Severity::crit : Severity::warn,
        fmt::format("{} of {} descriptors are open ({})", format_count(*result.open_count),
                    format_count(*result.soft_limit_count), format_ratio(*result.used_ratio)));
  }
}

/// The limits beside the process's own; its hard limit and nr_open follow from the soft one.
void judge_other_limits(Result& result) {
  for (const auto& limit : result.limits) {
    const bool other = limit.name == "fs.file-max" || limit.name.rfind("inotify", 0) == 0;
    if (!other || limit.used_ratio.value_or(0) < warning_ratio) continue;
    result.envelope.find(
        limit.name == "fs.file-max" ? "host_limit" : "inotify_limit",
        *limit.used_ratio >= critical_ratio ? Severity::crit : Severity::warn,
        fmt::format(
            "{} of {} are in use of {}{}: next is {}", format_count(*limit.used_count),
            format_count(*limit.max_count), limit.name,
            limit.name == "fs.file-max" ? "" : ", by this process alone (all of the user count)",
            limit.failure));
  }
}

/// Numbers are given out lowest first: a high one means that so many were open at once.
void judge_holes(Result& result) {
  if (!result.highest_number || result.soft_limit_count.value_or(0) <= 0 || !result.used_ratio)
    return;
  const double reached = static_cast<double>(*result.highest_number + 1) /
                         static_cast<double>(*result.soft_limit_count);
  if (reached >= critical_ratio && *result.used_ratio < warning_ratio)
    result.envelope.find(
        "was_near_limit", Severity::info,
        fmt::format("descriptor {} is open: at some time about so many were open "
                    "at once, close to the limit of {}",
                    *result.highest_number, format_count(*result.soft_limit_count)));
}

void judge_openers(Result& result) {
  if (result.openers.empty() || result.openers.front().open_count.value_or(0) == 0) return;
  const Opener& most = result.openers.front();
  result.envelope.find(
      "opened_by", Severity::info,
      fmt::format(
          "{} of {} calls of {} for {} left a descriptor open, from {}{}", *most.open_count,
          most.calls_count, most.call, most.target,
          most.stack.empty() ? "no JavaScript frame" : most.stack.front(),
          most.shared ? " (another place opens the same: which keeps it is not told)" : ""));
}

void judge_growth(Result& result) {
  if (!result.growth || !result.growth->growing) return;
  const Growth& growth = *result.growth;
  const auto left = growth.exhausted_in_s;
  Severity severity = Severity::info;
  if (left && *left < later_s) severity = Severity::warn;
  if (left && *left < soon_s && result.used_ratio.value_or(0) >= 0.5) severity = Severity::crit;
  std::string text = fmt::format("descriptors grow by {:.1f} per second", *growth.per_s);
  if (left)
    text += fmt::format("; if that goes on the limit of {} is reached in {} (95 %: {} to {})",
                        format_count(*result.soft_limit_count), format_duration(*left),
                        format_duration(*growth.exhausted_in_low_s),
                        format_duration(*growth.exhausted_in_high_s));
  if (!growth.by_class.empty() && growth.by_class.front().born_count > 0)
    text += fmt::format("; most new: {} (+{})", growth.by_class.front().name,
                        growth.by_class.front().born_count);
  result.envelope.find("growing", severity, text);
}

void judge_listeners(Result& result) {
  for (const auto& listener : result.listeners)
    if (listener.accept_queue_count > listener.backlog_count && listener.backlog_count > 0)
      result.envelope.find(
          "accept_queue_full", Severity::crit,
          fmt::format("{} connections wait for accept on {} (backlog {}){}",
                      listener.accept_queue_count, listener.address, listener.backlog_count,
                      listener.dropped_count.value_or(0) > 0
                          ? fmt::format(", {} were dropped", *listener.dropped_count)
                          : ""));
    else if (listener.dropped_count.value_or(0) > 0)
      result.envelope.find("accept_drops", Severity::info,
                           fmt::format("{} connections were dropped on {} since it listens",
                                       format_count(*listener.dropped_count), listener.address));
}

void judge_peers(Result& result) {
  for (const auto& peer : result.peers) {
    if (peer.ports_ratio.value_or(0) >= warning_ratio)
      result.envelope.find(
          "local_ports", *peer.ports_ratio >= critical_ratio ? Severity::crit : Severity::warn,
          fmt::format("{} of the local ports towards {} are in use: connecting fails with "
                      "EADDRNOTAVAIL when they run out",
                      format_ratio(*peer.ports_ratio), peer.peer));
    const double share =
        result.open_count.value_or(0) > 0
            ? static_cast<double>(peer.quiet_count) / static_cast<double>(*result.open_count)
            : 0;
    if (peer.quiet_count >= same_peer_count && share >= same_peer_ratio)
      result.envelope.find(
          "same_peer", Severity::warn,
          fmt::format("{} connections to {} have been without data for a minute or longer ({} of "
                      "all descriptors)",
                      format_count(peer.quiet_count), peer.peer, format_ratio(share)));
    if (peer.stalled_count > 0)
      result.envelope.find("no_answer", Severity::warn,
                           fmt::format("{} of {} connections to {} repeat their data without an "
                                       "answer: network or peer",
                                       peer.stalled_count, peer.connections_count, peer.peer));
  }
}

void judge_leaks(Result& result) {
  Envelope& envelope = result.envelope;
  if (result.close_wait_old_count.value_or(0) > 0)
    envelope.find("close_wait_old", Severity::warn,
                  fmt::format("{} sockets were closed by the peer a minute ago or longer, and the "
                              "service has not closed them",
                              format_count(*result.close_wait_old_count)));
  else if (result.close_wait_count.value_or(0) >= close_wait_pile)
    envelope.find("close_wait", Severity::warn,
                  fmt::format("{} sockets in CLOSE_WAIT: the peer has closed, the service has not",
                              format_count(*result.close_wait_count)));
  if (result.same_file.empty() || !result.open_count) return;
  const PathCount& most = result.same_file.front();
  const double share = static_cast<double>(most.count) / static_cast<double>(*result.open_count);
  if (most.count >= same_file_count && share >= same_file_ratio)
    envelope.find("same_file", Severity::warn,
                  fmt::format("{} is open {} times ({} of all descriptors)", most.path,
                              format_count(most.count), format_ratio(share)));
}

}  // namespace

void judge(const ProcessSample& process, Result& result) {
  judge_limit(result);
  if (!process.listed)
    result.envelope.find("not_listed", Severity::unknown,
                         "which descriptors are open could not be read: only their number is "
                         "known");
  judge_growth(result);
  judge_openers(result);
  judge_other_limits(result);
  judge_holes(result);
  judge_listeners(result);
  judge_peers(result);
  judge_leaks(result);
}

}  // namespace triage::probes::fds
