#pragma once

/// `triage fds`: the open descriptors of one process, by kind and peer, against its limits.
///
/// One getdents pass, one readlinkat per descriptor, and the kernel's socket lists joined by inode;
/// no file of the target is opened or stat'ed, so a dead network mount cannot block it. Without the
/// right to look into the process only the count is known (st_size of /proc/<pid>/fd, Linux 6.2).
/// With a duration the count is read again and again: growth, and when the limit is reached.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/fds_sample.h"
#include "lib/report/report.h"

namespace triage::probes::fds {

struct Options {
  std::string target;
  bool all = false;                  ///< every Node.js process; the details are of the fullest
  bool owners = false;               ///< look into all processes for who holds the other ends
  bool list = false;                 ///< every descriptor
  bool resolve = false;              ///< host names of the peers
  std::chrono::milliseconds who{0};  ///< how long the code that opens is noted; 0: not
  bool allow_inspector = false;
  std::chrono::milliseconds duration{0};  ///< how long growth is watched; 0: one look
  std::int64_t top = 10;                  ///< rows of the longer tables
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

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
  std::string peer;     ///< "127.0.0.1:5432", "unix:/run/x.sock"
  std::string service;  ///< by the local owner, else by well-known port; empty when unknown
  std::string name;     ///< by the resolver, when asked
  std::int64_t connections_count = 0;
  std::map<std::string, std::int64_t> states;
  std::int64_t receive_queue_bytes = 0;
  std::int64_t send_queue_bytes = 0;
  std::optional<double> rtt_ms;        ///< median of its connections
  std::int64_t retransmits_count = 0;  ///< segments sent again over its connections
  std::int64_t stalled_count = 0;      ///< connections that repeat without an answer
  std::optional<double> ports_ratio;   ///< local ports in use towards it, 0..1; outgoing only
  std::string owner;                   ///< local process at the other end
  std::int64_t quiet_count = 0;        ///< connections without data for a minute or longer
};

/// One limit that can be run into, and how much of it is used.
struct Limit {
  std::string name;  ///< "soft RLIMIT_NOFILE"
  std::optional<std::int64_t> used_count;
  std::optional<std::int64_t> max_count;
  std::optional<double> used_ratio;
  std::string failure;  ///< what the service sees when it is reached: "EMFILE"
};

/// Calls that opened descriptors while triage watched.
struct Opener {
  std::string call;
  std::string opens;
  std::string target;
  std::vector<std::string> stack;
  std::int64_t calls_count = 0;
  std::optional<std::int64_t> open_count;  ///< of what they opened, open at the end
  bool shared = false;  ///< another stack opens the same: which of them keeps it is not known
};

struct Listener {
  std::string address;  ///< "0.0.0.0:3000"
  std::int64_t accept_queue_count = 0;
  std::int64_t backlog_count = 0;
  std::optional<std::int64_t> dropped_count;  ///< connections refused for the full queue
};

/// What came and went of one class while the target was watched.
struct ClassGrowth {
  std::string name;  ///< "tcp 10.0.0.2:5432", a path, or a kind
  std::int64_t before_count = 0;
  std::int64_t after_count = 0;
  std::int64_t born_count = 0;
  std::int64_t died_count = 0;
};

struct Growth {
  double duration_s = 0;
  double compared_s = 0;  ///< between the two looks of `by_class`
  std::int64_t points_count = 0;
  std::optional<double> per_s;  ///< Theil-Sen slope; with its 95 % interval
  std::optional<double> per_s_low;
  std::optional<double> per_s_high;
  std::optional<double> opened_per_s;    ///< rises between looks: at least so many were opened
  bool growing = false;                  ///< the interval lies above zero, in the second half too
  std::optional<double> exhausted_in_s;  ///< at this rate; null when not growing
  std::optional<double> exhausted_in_low_s;
  std::optional<double> exhausted_in_high_s;
  std::vector<ClassGrowth> by_class;  ///< most growth first
};

struct ProcessRow {
  std::int64_t pid = 0;
  std::string process;
  std::optional<std::int64_t> open_count;
  std::optional<std::int64_t> soft_limit_count;
  std::optional<double> used_ratio;
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
  std::optional<std::int64_t> process_max_count;
  std::optional<std::int64_t> inotify_max_count;
  std::optional<std::int64_t> watches_max_count;
  std::optional<std::int64_t> close_wait_count;
  std::optional<std::int64_t> close_wait_old_count;  ///< closed by the peer 60 s ago or longer
  std::optional<std::int64_t> holes_count;           ///< numbers below the highest that are free
  std::optional<std::int64_t> highest_number;        ///< of a descriptor
  std::vector<Limit> limits;
  std::optional<Growth> growth;
  std::optional<double> opens_watched_s;  ///< with --who
  std::vector<Opener> openers;            ///< most open at the end first
  std::optional<Container> container;
  std::string network;
  std::optional<std::int64_t> listen_overflows_count;
  std::vector<KindCount> by_kind;
  std::vector<StateCount> sockets_by_state;
  std::vector<Peer> peers;
  std::vector<Listener> listeners;
  std::vector<PathCount> same_file;
  std::vector<PathCount> deleted_files;
  std::vector<PipeSample> pipes;
  std::vector<EpollSample> epolls;
  std::vector<InotifySample> inotifies;
  std::int64_t exec_checked_count = 0;
  std::vector<std::int64_t> inherited;
  std::vector<ProcessRow> processes;
  std::vector<Descriptor> descriptors;  ///< with --list
  std::vector<SocketSample> sockets;    ///< with --list
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

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
  visit("service", self.service, "by the local owner, else by well-known port; or empty");
  visit("name", self.name, "host name, with --resolve");
  visit("connections_count", self.connections_count, "sockets to this peer");
  visit("states", self.states, "sockets by state");
  visit("receive_queue_bytes", self.receive_queue_bytes, "bytes not read by the target");
  visit("send_queue_bytes", self.send_queue_bytes, "bytes not acknowledged by the peer");
  visit("rtt_ms", self.rtt_ms, "median round-trip time; null when the kernel gave none");
  visit("retransmits_count", self.retransmits_count, "segments sent again by its connections");
  visit("stalled_count", self.stalled_count, "connections that repeat without an answer");
  visit("ports_ratio", self.ports_ratio, "ephemeral ports in use towards it; null for clients");
  visit("owner", self.owner, "local process at the other end, with --owners");
  visit("quiet_count", self.quiet_count, "connections without data for a minute or longer");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Limit* /*tag*/) {
  visit("name", self.name, "the limit");
  visit("used_count", self.used_count, "used of it; null when not known");
  visit("max_count", self.max_count, "the limit; null when there is none or it is not known");
  visit("used_ratio", self.used_ratio, "used / max, 0..1");
  visit("failure", self.failure, "what the service sees when it is reached");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Opener* /*tag*/) {
  visit("call", self.call, "function of Node.js");
  visit("opens", self.opens, "kind of descriptor");
  visit("target", self.target, "path, host:port or program");
  visit("stack", self.stack, "JavaScript frames, innermost first");
  visit("calls_count", self.calls_count, "calls while it was watched");
  visit("open_count", self.open_count, "open at the end; null when it cannot be told");
  visit("shared", self.shared, "another stack opens the same, which keeps it is not known");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Listener* /*tag*/) {
  visit("address", self.address, "address:port");
  visit("accept_queue_count", self.accept_queue_count, "connections waiting for accept");
  visit("backlog_count", self.backlog_count, "limit of the accept queue");
  visit("dropped_count", self.dropped_count, "connections dropped here since it listens");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ClassGrowth* /*tag*/) {
  visit("name", self.name, "peer, path or kind");
  visit("before_count", self.before_count, "at the start");
  visit("after_count", self.after_count, "at the end");
  visit("born_count", self.born_count, "opened meanwhile and still open");
  visit("died_count", self.died_count, "open at the start and closed since");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Growth* /*tag*/) {
  visit("duration_s", self.duration_s, "how long it was watched");
  visit("compared_s", self.compared_s, "between the two looks that by_class compares");
  visit("points_count", self.points_count, "how often the count was read");
  visit("per_s", self.per_s, "descriptors per second, Theil-Sen");
  visit("per_s_low", self.per_s_low, "95 % interval");
  visit("per_s_high", self.per_s_high, "95 % interval");
  visit("opened_per_s", self.opened_per_s, "opened a second, at least: rises between two looks");
  visit("growing", self.growing, "the interval lies above zero, in the second half too");
  visit("exhausted_in_s", self.exhausted_in_s, "until the soft limit at this rate, or null");
  visit("exhausted_in_low_s", self.exhausted_in_low_s, "at the fastest rate of the interval");
  visit("exhausted_in_high_s", self.exhausted_in_high_s, "at the slowest");
  visit("by_class", self.by_class, "most growth first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ProcessRow* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("process", self.process, "command line");
  visit("open_count", self.open_count, "open descriptors");
  visit("soft_limit_count", self.soft_limit_count, "soft RLIMIT_NOFILE");
  visit("used_ratio", self.used_ratio, "open / soft limit, 0..1");
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
  visit("process_max_count", self.process_max_count, "fs.nr_open: the highest hard limit");
  visit("inotify_max_count", self.inotify_max_count,
        "fs.inotify.max_user_instances; null when the process has no inotify");
  visit("watches_max_count", self.watches_max_count,
        "fs.inotify.max_user_watches; null when the process has no inotify");
  visit("close_wait_old_count", self.close_wait_old_count, "of these closed 60 s ago or longer");
  visit("holes_count", self.holes_count, "free numbers below the highest open one");
  visit("highest_number", self.highest_number, "number of the highest descriptor");
  visit("limits", self.limits, "the limits that can be run into, fullest first");
  visit("growth", self.growth, "with --duration or between rounds of --watch, else null");
  visit("opens_watched_s", self.opens_watched_s, "with --who: how long calls were noted");
  visit("openers", self.openers, "with --who: the code that opened, most still open first");
  visit("container", self.container, "of the process; null on the host");
  visit("network", self.network, "sockets from: own, joined or proc (/proc/<pid>/net)");
  visit("listen_overflows_count", self.listen_overflows_count,
        "full accept queues of its network, over the duration");
  visit("close_wait_count", self.close_wait_count, "TCP sockets that only the target can close");
  visit("by_kind", self.by_kind, "most first");
  visit("sockets_by_state", self.sockets_by_state, "most first");
  visit("peers", self.peers, "most connections first");
  visit("listeners", self.listeners, "listening TCP sockets");
  visit("same_file", self.same_file, "paths open more than once, most first");
  visit("deleted_files", self.deleted_files, "open files without a name, most first");
  visit("pipes", self.pipes, "by pipe, with the other holders that were found");
  visit("epolls", self.epolls, "what each epoll watches, by kind");
  visit("inotifies", self.inotifies, "inotify instances");
  visit("exec_checked_count", self.exec_checked_count, "descriptors whose flags were read");
  visit("inherited", self.inherited, "of these, the ones that a child process inherits");
  visit("processes", self.processes, "the processes looked at, fullest first");
  visit("descriptors", self.descriptors, "every descriptor, with --list");
  visit("sockets", self.sockets, "every socket, with --list");
}

}  // namespace triage::probes::fds
