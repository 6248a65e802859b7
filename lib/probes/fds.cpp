#include "lib/probes/fds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "lib/base/units.h"

namespace triage::probes::fds {
namespace {

constexpr double critical_ratio = 0.9;
constexpr double warning_ratio = 0.8;
/// A few CLOSE_WAIT sockets are a moment; more are answers that the service never closes.
constexpr std::int64_t close_wait_pile = 20;

/// Well-known ports of what a Node.js service talks to (IANA service names registry).
std::string service_of(std::int64_t port) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 14> services{{
      {53, "dns"},
      {80, "http"},
      {443, "https"},
      {3306, "mysql"},
      {4317, "otlp"},
      {4318, "otlp"},
      {5432, "postgres"},
      {5672, "amqp"},
      {6379, "redis"},
      {6432, "pgbouncer"},
      {9042, "cassandra"},
      {9092, "kafka"},
      {11211, "memcached"},
      {27017, "mongodb"},
  }};
  for (const auto& [number, name] : services)
    if (number == port) return std::string(name);
  return {};
}

std::string endpoint(const std::string& address, std::int64_t port) {
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                : fmt::format("[{}]:{}", address, port);
}

void count_sockets(const Sample& sample, Result& result) {
  std::map<std::pair<std::string, std::string>, std::int64_t> states;
  std::map<std::string, Peer> peers;
  for (const auto& socket : sample.sockets) {
    ++states[{socket.protocol, socket.state}];
    if (socket.state == "LISTEN") {
      result.listeners.push_back({endpoint(socket.local_address, socket.local_port),
                                  socket.receive_queue, socket.send_queue});
    } else if (socket.peer_port != 0) {
      // A client's own port is a passing number: connections to a port that the target listens on
      // are grouped by the client's address.
      const bool incoming =
          std::any_of(sample.sockets.begin(), sample.sockets.end(), [&](const SocketSample& other) {
            return other.state == "LISTEN" && other.local_port == socket.local_port;
          });
      const std::string name = incoming
                                   ? socket.peer_address + fmt::format(" -> :{}", socket.local_port)
                                   : endpoint(socket.peer_address, socket.peer_port);
      Peer& peer = peers[name];
      peer.peer = name;
      peer.service = incoming ? "clients" : service_of(socket.peer_port);
      ++peer.connections_count;
      ++peer.states[socket.state];
      peer.receive_queue_bytes += socket.receive_queue;
      peer.send_queue_bytes += socket.send_queue;
    }
  }
  for (const auto& [key, count] : states)
    result.sockets_by_state.push_back({key.first, key.second, count});
  for (auto& [name, peer] : peers) result.peers.push_back(std::move(peer));
  std::stable_sort(result.peers.begin(), result.peers.end(), [](const Peer& a, const Peer& b) {
    return a.connections_count > b.connections_count;
  });
  const auto close_wait = states.find({"tcp", "CLOSE_WAIT"});
  result.close_wait_count = close_wait == states.end() ? 0 : close_wait->second;
}

template <class Row>
void most_first(std::vector<Row>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.count > b.count; });
}

void judge(const Sample& sample, Result& result) {
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
  if (!sample.listed)
    envelope.find("not_listed", Severity::unknown,
                  "which descriptors are open could not be read: only their number is known");
  if (result.close_wait_count.value_or(0) >= close_wait_pile)
    envelope.find("close_wait", Severity::warn,
                  fmt::format("{} sockets in CLOSE_WAIT: the peer has closed, the service has not",
                              format_count(*result.close_wait_count)));
  for (const auto& listener : result.listeners)
    if (listener.accept_queue_count > listener.backlog_count && listener.backlog_count > 0)
      envelope.find(
          "accept_queue_full", Severity::crit,
          fmt::format("{} connections wait for accept on {} (backlog {})",
                      listener.accept_queue_count, listener.address, listener.backlog_count));
}

/// What is counted from the list of descriptors, or from the kernel's sockets, is unknown with it.
void spread_gaps(const Sample& sample, Result& result) {
  const auto spread = [&](const char* from, std::initializer_list<const char*> to) {
    for (const auto& gap : sample.gaps) {
      if (gap.what != from) continue;
      for (const char* what : to)
        result.envelope.gaps.push_back({what, gap.code, gap.why, gap.remedy});
    }
  };
  spread("by_kind", {"same_file", "peers", "sockets_by_state", "listeners", "close_wait_count"});
  spread("peers", {"sockets_by_state", "listeners", "close_wait_count"});
}

void add_provenance(const Sample& sample, Result& result) {
  const auto add = [&](std::vector<std::string> figures, std::string source, std::string repeat) {
    result.envelope.provenance.push_back(
        {std::move(figures), std::move(source), sample.at, std::move(repeat)});
  };
  const std::int64_t pid = sample.pid;
  add({"/pid", "/open_count", "/by_kind", "/same_file"}, fmt::format("/proc/{}/fd", pid),
      fmt::format("ls -l /proc/{}/fd", pid));
  add({"/soft_limit_count", "/hard_limit_count", "/used_ratio"},
      fmt::format("/proc/{}/limits", pid), fmt::format("grep files /proc/{}/limits", pid));
  add({"/system_open_count", "/system_max_count"}, "/proc/sys/fs/file-nr",
      "cat /proc/sys/fs/file-nr");
  add({"/close_wait_count", "/sockets_by_state", "/peers", "/listeners"},
      "NETLINK_SOCK_DIAG joined with the descriptors by inode",
      fmt::format("ss -tuanp | grep pid={},", pid));
}

std::string unknown_or_count(const std::optional<std::int64_t>& count) {
  return or_unknown(count, [](std::int64_t value) { return format_count(value); });
}

}  // namespace

Help help() {
  return {
      "Counts the open descriptors of a process by kind, peer and state, and holds them against "
      "the limits that bite. It opens and stats no file of the target, so a dead network mount "
      "cannot block it. Without the right to look into the process only the count is known.",
      {{"triage fds 4127", "descriptors of process 4127 against its limits"},
       {"triage fds port:3000", "of the process that listens on port 3000"},
       {"triage fds name:server.js -o json", "for machines"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target",
                 "process: a pid, pid:4127, name:server.js or port:3000",
                 "TARGET",
                 {},
                 true,
                 true,
                 0},
                options.target);
  visitor.visit({"top", "rows of the longer tables", "N", {}, false, false, 0}, options.top);
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.pid = sample.pid;
  result.open_count = sample.open_count;
  result.soft_limit_count = sample.soft_limit_count;
  result.hard_limit_count = sample.hard_limit_count;
  result.system_open_count = sample.system_open_count;
  result.system_max_count = sample.system_max_count;
  if (sample.open_count && sample.soft_limit_count && *sample.soft_limit_count > 0)
    result.used_ratio =
        static_cast<double>(*sample.open_count) / static_cast<double>(*sample.soft_limit_count);
  for (const auto& [kind, count] : sample.kinds) result.by_kind.push_back({kind, count});
  for (const auto& [path, count] : sample.paths)
    if (count > 1) result.same_file.push_back({path, count});
  if (sample.sockets_known) count_sockets(sample, result);
  most_first(result.by_kind);
  most_first(result.same_file);
  most_first(result.sockets_by_state);
  spread_gaps(sample, result);
  judge(sample, result);
  add_provenance(sample, result);
  return result;
}

std::vector<Section> sections(const Options& options, const Result& result) {
  const auto top = static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1));
  std::vector<Section> all;
  all.push_back(
      {"DESCRIPTORS",
       "",
       {Paragraph{fmt::format(
           "{} open of {} (soft limit; hard {}), {} of the soft limit; host {} of {}",
           unknown_or_count(result.open_count), unknown_or_count(result.soft_limit_count),
           unknown_or_count(result.hard_limit_count),
           or_unknown(result.used_ratio, [](double ratio) { return format_ratio(ratio); }),
           unknown_or_count(result.system_open_count), unknown_or_count(result.system_max_count))}},
       false});
  const auto counted = [&](const std::string& title, const std::string& column, const auto& rows,
                           const auto& name) {
    if (rows.empty()) return;
    Table table{{{column, false, true}, {"count", true, false}}, {}};
    for (std::size_t i = 0; i < std::min(top, rows.size()); ++i)
      table.rows.push_back({name(rows[i]), format_count(rows[i].count)});
    all.push_back({title, "", {std::move(table)}, false});
  };
  counted("BY KIND", "kind", result.by_kind, [](const KindCount& row) { return row.kind; });
  counted("SOCKETS BY STATE", "state", result.sockets_by_state,
          [](const StateCount& row) { return row.protocol + " " + row.state; });
  if (!result.peers.empty()) {
    Table table{{{"peer", false, true},
                 {"service", false, false},
                 {"sockets", true, false},
                 {"unread", true, false},
                 {"unacked", true, false}},
                {}};
    for (std::size_t i = 0; i < std::min(top, result.peers.size()); ++i) {
      const Peer& peer = result.peers[i];
      table.rows.push_back({peer.peer, peer.service, format_count(peer.connections_count),
                            format_bytes(static_cast<double>(peer.receive_queue_bytes)),
                            format_bytes(static_cast<double>(peer.send_queue_bytes))});
    }
    all.push_back({"PEERS", "", {std::move(table)}, false});
  }
  counted("OPEN MORE THAN ONCE", "path", result.same_file,
          [](const PathCount& row) { return row.path; });
  return all;
}

}  // namespace triage::probes::fds
