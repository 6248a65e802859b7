#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lib/base/units.h"
#include "lib/probes/fds_analyse.h"

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
  if (result.container) {
    const Container& in = *result.container;
    blocks.emplace_back(Paragraph{
        fmt::format("in container {} of {}{}, where it is process {}{}", in.id, in.runtime,
                    in.host_name.empty() ? "" : fmt::format(" (host name {})", in.host_name),
                    in.inner_pid, in.pod.empty() ? "" : fmt::format(", pod {}", in.pod))});
  }
  if (!result.inherited.empty())
    blocks.emplace_back(Paragraph{
        fmt::format("{} of {} descriptors whose flags were read lack close-on-exec: child "
                    "processes inherit them (first: {})",
                    result.inherited.size(), result.exec_checked_count, result.inherited[0])});
  return {"DESCRIPTORS", "", std::move(blocks), false};
}

Section limits_section(const Result& result) {
  Table table{{{"limit", false, false},
               {"used", true, false},
               {"max", true, false},
               {"share", true, false},
               {"when reached", false, true}},
              {}};
  const auto or_dash = [](const std::optional<std::int64_t>& count) {
    return count ? format_count(*count) : std::string("-");
  };
  for (const auto& limit : result.limits)
    table.rows.push_back({limit.name, or_dash(limit.used_count), or_dash(limit.max_count),
                          limit.used_ratio ? format_ratio(*limit.used_ratio) : "-", limit.failure});
  return {"LIMITS", "", {std::move(table)}, true};
}

/// "40 of 41 calls of fs.openSync left file /etc/hosts open" and the frames.
Section openers_section(const Result& result, std::size_t top) {
  Items items;
  items.marker = Items::Marker::number;
  for (std::size_t i = 0; i < std::min(top, result.openers.size()); ++i) {
    const Opener& opener = result.openers[i];
    Items::Item item;
    item.text = fmt::format(
        "{} of {} calls of {} left {} {} open{}", count_text(opener.open_count),
        format_count(opener.calls_count), opener.call, opener.opens, opener.target,
        opener.shared ? "; other stacks open the same, which of them keeps it is not told" : "");
    for (const auto& frame : opener.stack) item.notes.push_back("at " + frame);
    items.items.push_back(std::move(item));
  }
  Section section{"OPENED BY",
                  fmt::format("calls in {}, main thread", format_duration(*result.opens_watched_s)),
                  {},
                  false};
  if (items.items.empty())
    section.blocks.emplace_back(
        Paragraph{"no JavaScript called a function that opens a descriptor; connections that "
                  "clients open are accepted without one"});
  else
    section.blocks.emplace_back(std::move(items));
  return section;
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
  if (growth.compared_s + 1 < growth.duration_s)
    section.blocks.emplace_back(Paragraph{
        fmt::format("since the round before, {} ago:", format_duration(growth.compared_s))});
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
    std::string name = peer.peer;
    if (!peer.name.empty()) name += " " + peer.name;
    if (!peer.owner.empty()) name += " " + peer.owner;
    table.rows.push_back({std::move(name), peer.service, format_count(peer.connections_count),
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

/// The first three, and how many more there are.
std::string few_of(const std::vector<std::string>& names) {
  constexpr std::size_t few = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(few, names.size()); ++i)
    text += (i > 0 ? "; " : "") + names[i];
  return names.size() > few ? text + fmt::format("; {} more", names.size() - few) : text;
}

Section pipes_section(const Result& result, std::size_t top) {
  Table table{{{"pipe", false, false}, {"ends here", true, false}, {"also held by", false, true}},
              {}};
  for (std::size_t i = 0; i < std::min(top, result.pipes.size()); ++i) {
    const PipeSample& pipe = result.pipes[i];
    table.rows.push_back({pipe.link, format_count(pipe.descriptors_count),
                          pipe.holders.empty() ? "-" : few_of(pipe.holders)});
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

/// "ESTABLISHED 10.0.0.1:40112 -> 10.0.0.2:5432, rtt 0.31 ms, resent 2"
std::string socket_text(const SocketSample& socket) {
  std::string text = socket.state;
  if (socket.protocol == "unix") {
    text += " " + (socket.path.empty() ? unix_peer_of(socket) : socket.path);
  } else {
    text += fmt::format(" {}:{}", socket.local_address, socket.local_port);
    if (socket.peer_port != 0)
      text += fmt::format(" -> {}:{}", socket.peer_address, socket.peer_port);
  }
  if (socket.receive_queue + socket.send_queue > 0 && socket.state != "LISTEN")
    text += fmt::format(", {} unread, {} unacked", socket.receive_queue, socket.send_queue);
  if (socket.rtt_ms) text += fmt::format(", rtt {:.2f} ms", *socket.rtt_ms);
  if (socket.retransmits_count.value_or(0) > 0)
    text += fmt::format(", resent {}", *socket.retransmits_count);
  if (socket.quiet_s) text += fmt::format(", quiet for {}", format_duration(*socket.quiet_s));
  return text;
}

Section list_section(const Result& result) {
  std::map<std::int64_t, const SocketSample*> sockets;
  for (const auto& socket : result.sockets) sockets[socket.number] = &socket;
  Table table{{{"fd", true, false}, {"kind", false, false}, {"what", false, true}}, {}};
  for (const auto& descriptor : result.descriptors)
    table.rows.push_back({std::to_string(descriptor.number), descriptor.kind,
                          sockets.contains(descriptor.number)
                              ? socket_text(*sockets.at(descriptor.number))
                              : descriptor.link});
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
       {"triage fds 4127 --watch 5s", "what came and went, round by round"},
       {"triage fds 4127 --who 10s --allow-inspector", "the JavaScript that opens descriptors"},
       {"triage fds name:server.js -o json", "for machines"}}};
}

std::vector<Section> sections(const Options& options, const Result& result) {
  const auto top = static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1));
  std::vector<Section> all{summary(result)};
  if (result.processes.size() > 1) all.push_back(processes_section(result));
  if (!result.limits.empty()) all.push_back(limits_section(result));
  if (result.opens_watched_s) all.push_back(openers_section(result, top));
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
