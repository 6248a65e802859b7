#include <fmt/format.h>

#include <algorithm>

#include "lib/base/units.h"
#include "lib/probes/fds.h"

namespace triage::probes::fds {
namespace {

std::string count_text(const std::optional<std::int64_t>& count) {
  return or_unknown(count, [](std::int64_t value) { return format_count(value); });
}

Section summary(const Result& result) {
  std::string text = fmt::format(
      "{} open of {} (soft limit; hard {}, nr_open {}), {} of the soft limit; host {} of {}; {} "
      "free numbers below the highest",
      count_text(result.open_count), count_text(result.soft_limit_count),
      count_text(result.hard_limit_count), count_text(result.process_max_count),
      or_unknown(result.used_ratio, [](double ratio) { return format_ratio(ratio); }),
      count_text(result.system_open_count), count_text(result.system_max_count),
      count_text(result.holes_count));
  std::vector<Block> blocks{Paragraph{std::move(text)}};
  if (!result.inherited.empty())
    blocks.emplace_back(Paragraph{
        fmt::format("{} of {} descriptors whose flags were read lack close-on-exec: child "
                    "processes inherit them (first: {})",
                    result.inherited.size(), result.exec_checked_count, result.inherited[0])});
  return {"DESCRIPTORS", "", std::move(blocks), false};
}

Section growth_section(const Growth& growth, std::size_t top) {
  std::string text = fmt::format("watched {}, {} counts: ", format_duration(growth.duration_s),
                                 growth.points_count);
  text += growth.per_s ? fmt::format("{:.2f} per second (95 %: {:.2f} to {:.2f})", *growth.per_s,
                                     *growth.per_s_low, *growth.per_s_high)
                       : "too few counts for a rate";
  if (growth.per_s && !growth.growing) text += ", not growing";
  if (growth.exhausted_in_s)
    text += fmt::format("; limit reached in {}", format_duration(*growth.exhausted_in_s));
  Section section{"GROWTH", "", {Paragraph{std::move(text)}}, false};
  if (growth.by_class.empty()) return section;
  Table table{{{"class", false, true},
               {"before", true, false},
               {"after", true, false},
               {"born", true, false},
               {"died", true, false}},
              {}};
  for (std::size_t i = 0; i < std::min(top, growth.by_class.size()); ++i) {
    const ClassGrowth& row = growth.by_class[i];
    table.rows.push_back({row.name, format_count(row.before_count), format_count(row.after_count),
                          format_count(row.born_count), format_count(row.died_count)});
  }
  section.blocks.emplace_back(std::move(table));
  return section;
}

Section peers_section(const Result& result, std::size_t top) {
  Table table{{{"peer", false, true},
               {"service", false, false},
               {"sockets", true, false},
               {"rtt", true, false},
               {"resent", true, false},
               {"unread", true, false},
               {"unacked", true, false}},
              {}};
  for (std::size_t i = 0; i < std::min(top, result.peers.size()); ++i) {
    const Peer& peer = result.peers[i];
    table.rows.push_back({peer.owner.empty() ? peer.peer : peer.peer + " " + peer.owner,
                          peer.service, format_count(peer.connections_count),
                          peer.rtt_ms ? fmt::format("{:.2f} ms", *peer.rtt_ms) : "-",
                          format_count(peer.retransmits_count),
                          format_bytes(static_cast<double>(peer.receive_queue_bytes)),
                          format_bytes(static_cast<double>(peer.send_queue_bytes))});
  }
  return {"PEERS", "", {std::move(table)}, false};
}

Section listeners_section(const Result& result) {
  Table table{{{"address", false, true},
               {"waiting", true, false},
               {"backlog", true, false},
               {"dropped", true, false}},
              {}};
  for (const auto& listener : result.listeners)
    table.rows.push_back({listener.address, format_count(listener.accept_queue_count),
                          format_count(listener.backlog_count),
                          count_text(listener.dropped_count)});
  return {"LISTENERS", "", {std::move(table)}, false};
}

/// "tcp 12, pipe 2"
std::string kinds_text(const std::map<std::string, std::int64_t>& kinds) {
  std::string text;
  for (const auto& [kind, count] : kinds)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kind, count);
  return text.empty() ? "nothing" : text;
}

Section watched_section(const Result& result) {
  Table table{{{"descriptor", true, false}, {"watches", false, true}}, {}};
  for (const auto& epoll : result.epolls)
    table.rows.push_back({fmt::format("epoll {}", epoll.number), kinds_text(epoll.kinds)});
  for (const auto& inotify : result.inotifies)
    table.rows.push_back({fmt::format("inotify {}", inotify.number),
                          fmt::format("{} files or directories", inotify.watches_count)});
  return {"WATCHED", "", {std::move(table)}, true};
}

Section pipes_section(const Result& result, std::size_t top) {
  Table table{{{"pipe", false, false}, {"ends here", true, false}, {"also held by", false, true}},
              {}};
  for (std::size_t i = 0; i < std::min(top, result.pipes.size()); ++i) {
    const PipeSample& pipe = result.pipes[i];
    table.rows.push_back(
        {pipe.link, format_count(pipe.descriptors_count),
         pipe.holders.empty() ? "-" : fmt::format("{}", fmt::join(pipe.holders, "; "))});
  }
  return {"PIPES", "asked: parent and children, or all with --owners", {std::move(table)}, true};
}

Section processes_section(const Result& result) {
  Table table{{{"process", false, true},
               {"open", true, false},
               {"limit", true, false},
               {"used", true, false}},
              {}};
  for (const auto& row : result.processes)
    table.rows.push_back(
        {row.process, count_text(row.open_count), count_text(row.soft_limit_count),
         or_unknown(row.used_ratio, [](double ratio) { return format_ratio(ratio); })});
  return {"PROCESSES", "", {std::move(table)}, false};
}

Section list_section(const Result& result) {
  Table table{{{"fd", true, false}, {"kind", false, false}, {"what", false, true}}, {}};
  for (const auto& descriptor : result.descriptors)
    table.rows.push_back({std::to_string(descriptor.number), descriptor.kind, descriptor.link});
  return {"LIST", "", {std::move(table)}, false};
}

}  // namespace

Help help() {
  return {
      "Counts the open descriptors of a process by kind, peer and state, and holds them against "
      "the limits that bite. With --duration it watches the count and says how fast it grows, by "
      "which class, and when the limit is reached. It opens and stats no file of the target, so a "
      "dead network mount cannot block it. Sockets of a container are read in its own network "
      "namespace. Without the right to look into the process only the count is known.",
      {{"triage fds 4127", "descriptors of process 4127 against its limits"},
       {"triage fds port:3000 --duration 30s", "does it leak, what, and until when"},
       {"triage fds --all", "all Node.js processes, the fullest in detail"},
       {"triage fds 4127 --owners -v", "with the processes at the other ends"},
       {"triage fds name:server.js -o json", "for machines"}}};
}

std::vector<Section> sections(const Options& options, const Result& result) {
  const auto top = static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1));
  std::vector<Section> all{summary(result)};
  if (result.processes.size() > 1) all.push_back(processes_section(result));
  if (result.growth) all.push_back(growth_section(*result.growth, top));
  const auto counted = [&](const std::string& title, const std::string& column, const auto& rows,
                           const auto& name) {
    if (rows.empty()) return;
    Table table{{{column, false, true}, {"count", true, false}}, {}};
    for (std::size_t i = 0; i < std::min(top, rows.size()); ++i)
      table.rows.push_back({name(rows[i]), format_count(rows[i].count)});
    all.push_back({title, "", {std::move(table)}, false});
  };
  const auto path = [](const PathCount& row) { return row.path; };
  counted("BY KIND", "kind", result.by_kind, [](const KindCount& row) { return row.kind; });
  counted("SOCKETS BY STATE", "state", result.sockets_by_state,
          [](const StateCount& row) { return row.protocol + " " + row.state; });
  if (!result.peers.empty()) all.push_back(peers_section(result, top));
  if (!result.listeners.empty()) all.push_back(listeners_section(result));
  counted("OPEN MORE THAN ONCE", "path", result.same_file, path);
  counted("DELETED BUT OPEN", "path", result.deleted_files, path);
  if (!result.epolls.empty() || !result.inotifies.empty()) all.push_back(watched_section(result));
  if (!result.pipes.empty()) all.push_back(pipes_section(result, top));
  if (!result.descriptors.empty()) all.push_back(list_section(result));
  return all;
}

}  // namespace triage::probes::fds
