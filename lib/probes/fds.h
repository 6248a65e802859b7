#pragma once

/// `triage fds`: the open descriptors of one process, by kind and peer, against its limits.
///
/// One getdents pass, one readlinkat per descriptor, and the kernel's socket lists joined by inode;
/// no file of the target is opened or stat'ed, so a dead network mount cannot block it. Without the
/// right to look into the process only the count is known (st_size of /proc/<pid>/fd, Linux 6.2).
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::fds {

struct Options {
  std::string target;
  std::int64_t top = 10;  ///< rows of the longer tables
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A socket that the target holds, as the kernel lists it.
struct SocketSample {
  std::string protocol;  ///< "tcp" or "udp"
  std::string state;     ///< "ESTABLISHED", ...
  std::string local_address;
  std::int64_t local_port = 0;
  std::string peer_address;
  std::int64_t peer_port = 0;
  std::int64_t receive_queue = 0;  ///< bytes; for LISTEN connections that wait for accept
  std::int64_t send_queue = 0;     ///< bytes; for LISTEN the backlog
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  std::optional<std::int64_t> open_count;
  std::optional<std::int64_t> soft_limit_count;
  std::optional<std::int64_t> hard_limit_count;
  std::optional<std::int64_t> system_open_count;
  std::optional<std::int64_t> system_max_count;
  std::map<std::string, std::int64_t> kinds;  ///< kind -> descriptors
  std::map<std::string, std::int64_t> paths;  ///< file or device path -> descriptors
  std::vector<SocketSample> sockets;
  bool listed = false;         ///< false: only the count is known
  bool sockets_known = false;  ///< false: the kernel gave no socket list
  std::vector<Gap> gaps;
};

struct KindCount {
  std::string kind;
  std::int64_t count = 0;
};

struct PathCount {
  std::string path;
  std::int64_t count = 0;
};

struct StateCount {
  std::string protocol;
  std::string state;
  std::int64_t count = 0;
};

struct Peer {
  std::string peer;     ///< "127.0.0.1:5432"
  std::string service;  ///< by well-known port: "postgres"; empty when unknown
  std::int64_t connections_count = 0;
  std::map<std::string, std::int64_t> states;
  std::int64_t receive_queue_bytes = 0;
  std::int64_t send_queue_bytes = 0;
};

struct Listener {
  std::string address;  ///< "0.0.0.0:3000"
  std::int64_t accept_queue_count = 0;
  std::int64_t backlog_count = 0;
};

struct Result {
  Envelope envelope;
  std::int64_t pid = 0;
  std::optional<std::int64_t> open_count;
  std::optional<std::int64_t> soft_limit_count;
  std::optional<std::int64_t> hard_limit_count;
  std::optional<double> used_ratio;  ///< open / soft limit
  std::optional<std::int64_t> system_open_count;
  std::optional<std::int64_t> system_max_count;
  std::optional<std::int64_t> close_wait_count;
  std::vector<KindCount> by_kind;
  std::vector<StateCount> sockets_by_state;
  std::vector<Peer> peers;
  std::vector<Listener> listeners;
  std::vector<PathCount> same_file;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SocketSample* /*tag*/) {
  visit("protocol", self.protocol, "tcp or udp");
  visit("state", self.state, "state name");
  visit("local_address", self.local_address, "numeric address");
  visit("local_port", self.local_port, "port");
  visit("peer_address", self.peer_address, "numeric address");
  visit("peer_port", self.peer_port, "port");
  visit("receive_queue", self.receive_queue, "bytes; for LISTEN waiting connections");
  visit("send_queue", self.send_queue, "bytes; for LISTEN the backlog");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "the process");
  visit("pid", self.pid, "process id");
  visit("open_count", self.open_count, "open descriptors");
  visit("soft_limit_count", self.soft_limit_count, "soft RLIMIT_NOFILE");
  visit("hard_limit_count", self.hard_limit_count, "hard RLIMIT_NOFILE");
  visit("system_open_count", self.system_open_count, "open files of the host");
  visit("system_max_count", self.system_max_count, "limit of the host");
  visit("kinds", self.kinds, "descriptors by kind");
  visit("paths", self.paths, "descriptors by path");
  visit("sockets", self.sockets, "sockets of the target");
  visit("listed", self.listed, "whether the descriptors could be listed");
  visit("sockets_known", self.sockets_known, "whether the kernel listed the sockets");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const KindCount* /*tag*/) {
  visit("kind", self.kind, "file, socket tcp, pipe, eventfd, ...");
  visit("count", self.count, "descriptors of this kind");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const PathCount* /*tag*/) {
  visit("path", self.path, "path as the target sees it");
  visit("count", self.count, "descriptors on this path");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const StateCount* /*tag*/) {
  visit("protocol", self.protocol, "tcp or udp");
  visit("state", self.state, "state name (net/tcp_states.h)");
  visit("count", self.count, "sockets in this state");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Peer* /*tag*/) {
  visit("peer", self.peer, "address:port of the other end");
  visit("service", self.service, "by well-known port, or empty");
  visit("connections_count", self.connections_count, "sockets to this peer");
  visit("states", self.states, "sockets by state");
  visit("receive_queue_bytes", self.receive_queue_bytes, "bytes not read by the target");
  visit("send_queue_bytes", self.send_queue_bytes, "bytes not acknowledged by the peer");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Listener* /*tag*/) {
  visit("address", self.address, "address:port");
  visit("accept_queue_count", self.accept_queue_count, "connections waiting for accept");
  visit("backlog_count", self.backlog_count, "limit of the accept queue");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("open_count", self.open_count, "open descriptors");
  visit("soft_limit_count", self.soft_limit_count, "soft RLIMIT_NOFILE, the one that bites");
  visit("hard_limit_count", self.hard_limit_count, "hard RLIMIT_NOFILE");
  visit("used_ratio", self.used_ratio, "open / soft limit, 0..1");
  visit("system_open_count", self.system_open_count, "open files of the whole host");
  visit("system_max_count", self.system_max_count, "fs.file-max of the host");
  visit("close_wait_count", self.close_wait_count, "TCP sockets that only the target can close");
  visit("by_kind", self.by_kind, "most first");
  visit("sockets_by_state", self.sockets_by_state, "most first");
  visit("peers", self.peers, "most connections first");
  visit("listeners", self.listeners, "listening TCP sockets");
  visit("same_file", self.same_file, "paths open more than once, most first");
}

}  // namespace triage::probes::fds
