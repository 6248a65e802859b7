#pragma once

/// What `triage fds` reads before it judges: one ProcessSample per process and the host's limits.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/gap.h"

namespace triage::probes::fds {

/// One open descriptor.
struct Descriptor {
  std::int64_t number = 0;
  std::string kind;  ///< "file", "tcp", "unix", "pipe", "epoll", ...
  std::string link;  ///< what /proc/<pid>/fd/<n> links to
};

/// A socket that the target holds, as the kernel lists it.
struct SocketSample {
  std::int64_t number = 0;  ///< descriptor
  std::string protocol;     ///< "tcp", "udp" or "unix"
  std::string state;        ///< "ESTABLISHED", ...
  std::string local_address;
  std::int64_t local_port = 0;
  std::string peer_address;
  std::int64_t peer_port = 0;
  std::int64_t receive_queue = 0;  ///< bytes; for LISTEN connections that wait for accept
  std::int64_t send_queue = 0;     ///< bytes; for LISTEN the backlog
  std::optional<double> rtt_ms;
  std::optional<std::int64_t> retransmits_count;  ///< since the connection began
  bool retransmits_now = false;                   ///< waits for an answer to a repetition
  std::optional<double> quiet_s;                  ///< since data went either way
  std::optional<double> closed_s;                 ///< CLOSE_WAIT: since the peer closed
  std::optional<std::int64_t> drops_count;        ///< LISTEN: connections refused for a full queue
  std::string path;                               ///< unix: to which this end is bound
  std::string peer_path;                          ///< unix: to which the other end is bound
  std::int64_t peer_inode = 0;                    ///< unix: of the other end; 0: none
  std::string owner;                              ///< local process at the other end
  std::string owner_name;                         ///< its short name: "postgres"
  std::string peer_name;                          ///< host name of the peer, when asked for
};

/// A pipe of which the target holds an end; both ends have one name.
struct PipeSample {
  std::string link;
  std::int64_t descriptors_count = 0;
  std::vector<std::string> holders;  ///< other processes with an end
};

struct EpollSample {
  std::int64_t number = 0;
  std::map<std::string, std::int64_t> kinds;  ///< kind of what it watches -> descriptors
  bool truncated = false;
};

struct InotifySample {
  std::int64_t number = 0;
  std::int64_t watches_count = 0;
};

struct CountPoint {
  double at_s = 0;  ///< since the first
  std::int64_t open_count = 0;
};

struct ListenCounters {
  std::int64_t overflows_count = 0;  ///< TcpExt ListenOverflows of the network namespace
  std::int64_t drops_count = 0;      ///< TcpExt ListenDrops
};

/// Where the process runs; see os::Container.
struct Container {
  std::string runtime;
  std::string id;
  std::string pod;
  std::string host_name;
  std::int64_t inner_pid = 0;
};

/// Calls of one stack that open descriptors, seen through the inspector.
struct OpenCall {
  std::string call;                   ///< "fs.open", "net.connect", ...
  std::string opens;                  ///< kind of descriptor: "file", "tcp", "pipe", ...
  std::string target;                 ///< path, "host:port", program
  std::vector<std::string> stack;     ///< innermost first: "load (/app/db.js:14:9)"
  std::int64_t count = 0;             ///< calls
  std::vector<std::int64_t> numbers;  ///< descriptors that came of them and are open; sockets only
};

struct OpenCalls {
  double watched_s = 0;
  bool whole = true;  ///< false: more calls came than are kept
  std::vector<OpenCall> calls;
};

struct ProcessSample {
  std::string process;  ///< "pid 4127 (node server.js)"
  std::int64_t pid = 0;
  std::optional<std::int64_t> open_count;
  std::optional<std::int64_t> soft_limit_count;
  std::optional<std::int64_t> hard_limit_count;
  bool listed = false;         ///< false: only the count is known
  bool sockets_known = false;  ///< false: the kernel gave no socket list
  std::string network;         ///< "own", "joined" or "proc": how the sockets were read
  std::vector<Descriptor> descriptors;
  std::optional<Container> container;
  std::vector<Descriptor> before;  ///< at the look before, when there was one
  std::vector<SocketSample> sockets_before;
  double before_s = 0;  ///< how long ago that look was
  std::optional<OpenCalls> open_calls;
  std::vector<CountPoint> points;
  std::vector<SocketSample> sockets;
  std::vector<PipeSample> pipes;
  std::vector<EpollSample> epolls;
  std::vector<InotifySample> inotifies;
  std::int64_t exec_checked_count = 0;               ///< descriptors whose flags were read
  std::vector<std::int64_t> inherited;               ///< of these, without close-on-exec
  std::map<std::string, std::int64_t> destinations;  ///< "10.0.0.2:5432" -> local ports in use
  std::optional<std::int64_t> local_ports_count;     ///< ephemeral ports of its network
  std::optional<ListenCounters> listen_before;
  std::optional<ListenCounters> listen_after;
  bool owners_looked_up = false;
  std::vector<Gap> gaps;
};

struct Sample {
  std::string at;
  std::string target;
  std::optional<std::int64_t> system_open_count;
  std::optional<std::int64_t> system_max_count;
  std::optional<std::int64_t> process_max_count;  ///< fs.nr_open
  std::optional<std::int64_t> inotify_max_count;  ///< fs.inotify.max_user_instances
  std::optional<std::int64_t> watches_max_count;  ///< fs.inotify.max_user_watches
  std::vector<ProcessSample> processes;
  std::vector<Gap> gaps;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Descriptor* /*tag*/) {
  visit("number", self.number, "descriptor number");
  visit("kind", self.kind, "file, tcp, udp, unix, pipe, epoll, eventfd, ...");
  visit("link", self.link, "what /proc/<pid>/fd/<number> links to");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const SocketSample* /*tag*/) {
  visit("number", self.number, "descriptor number");
  visit("protocol", self.protocol, "tcp, udp or unix");
  visit("state", self.state, "state name");
  visit("local_address", self.local_address, "numeric address");
  visit("local_port", self.local_port, "port");
  visit("peer_address", self.peer_address, "numeric address");
  visit("peer_port", self.peer_port, "port");
  visit("receive_queue", self.receive_queue, "bytes; for LISTEN waiting connections");
  visit("send_queue", self.send_queue, "bytes; for LISTEN the backlog");
  visit("rtt_ms", self.rtt_ms, "smoothed round-trip time");
  visit("retransmits_count", self.retransmits_count, "segments sent again, ever");
  visit("retransmits_now", self.retransmits_now, "a repetition waits for its answer");
  visit("quiet_s", self.quiet_s, "since data went either way");
  visit("closed_s", self.closed_s, "CLOSE_WAIT: since the peer closed");
  visit("drops_count", self.drops_count, "LISTEN: connections dropped");
  visit("path", self.path, "unix: to which this end is bound");
  visit("peer_path", self.peer_path, "unix: to which the other end is bound");
  visit("peer_inode", self.peer_inode, "unix: inode of the other end; 0 without one");
  visit("owner", self.owner, "local process at the other end");
  visit("owner_name", self.owner_name, "its short name");
  visit("peer_name", self.peer_name, "host name of the peer, with --resolve");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const PipeSample* /*tag*/) {
  visit("link", self.link, "pipe:[inode]");
  visit("descriptors_count", self.descriptors_count, "descriptors of the target on it");
  visit("holders", self.holders, "other processes with an end");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const EpollSample* /*tag*/) {
  visit("number", self.number, "descriptor number");
  visit("kinds", self.kinds, "watched descriptors by kind");
  visit("truncated", self.truncated, "the list was longer than what was read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const InotifySample* /*tag*/) {
  visit("number", self.number, "descriptor number");
  visit("watches_count", self.watches_count, "watched files and directories");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const CountPoint* /*tag*/) {
  visit("at_s", self.at_s, "since the first point");
  visit("open_count", self.open_count, "open descriptors");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ListenCounters* /*tag*/) {
  visit("overflows_count", self.overflows_count, "TcpExt ListenOverflows");
  visit("drops_count", self.drops_count, "TcpExt ListenDrops");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Container* /*tag*/) {
  visit("runtime", self.runtime, "docker, containerd, cri-o, podman, lxc or nspawn");
  visit("id", self.id, "first digits of its id, or its name");
  visit("pod", self.pod, "uid of the Kubernetes pod, or empty");
  visit("host_name", self.host_name, "inside; the pod's name in Kubernetes");
  visit("inner_pid", self.inner_pid, "by which the process knows itself");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const OpenCall* /*tag*/) {
  visit("call", self.call, "function of Node.js that opens");
  visit("opens", self.opens, "kind of descriptor");
  visit("target", self.target, "path, host:port or program");
  visit("stack", self.stack, "JavaScript frames, innermost first");
  visit("count", self.count, "calls");
  visit("numbers", self.numbers, "sockets that came of them and are open");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const OpenCalls* /*tag*/) {
  visit("watched_s", self.watched_s, "how long calls were noted");
  visit("whole", self.whole, "false: more calls came than are kept");
  visit("calls", self.calls, "by stack, most calls first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ProcessSample* /*tag*/) {
  visit("process", self.process, "the process");
  visit("pid", self.pid, "process id");
  visit("open_count", self.open_count, "open descriptors");
  visit("soft_limit_count", self.soft_limit_count, "soft RLIMIT_NOFILE");
  visit("hard_limit_count", self.hard_limit_count, "hard RLIMIT_NOFILE");
  visit("listed", self.listed, "whether the descriptors could be listed");
  visit("sockets_known", self.sockets_known, "whether the kernel listed the sockets");
  visit("network", self.network, "own, joined or proc");
  visit("descriptors", self.descriptors, "at the last point");
  visit("container", self.container, "null on the host");
  visit("before", self.before, "at the look before");
  visit("sockets_before", self.sockets_before, "at the look before");
  visit("before_s", self.before_s, "how long ago that was");
  visit("open_calls", self.open_calls, "with --who");
  visit("points", self.points, "counts over time");
  visit("sockets", self.sockets, "sockets of the target");
  visit("pipes", self.pipes, "pipes of the target");
  visit("epolls", self.epolls, "what its epolls watch");
  visit("inotifies", self.inotifies, "its inotify instances");
  visit("exec_checked_count", self.exec_checked_count, "descriptors whose flags were read");
  visit("inherited", self.inherited, "of these without close-on-exec");
  visit("destinations", self.destinations, "local ports in use by destination");
  visit("local_ports_count", self.local_ports_count, "ephemeral ports");
  visit("listen_before", self.listen_before, "counters at the first point");
  visit("listen_after", self.listen_after, "counters at the last point");
  visit("owners_looked_up", self.owners_looked_up, "all processes were asked");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "the process");
  visit("system_open_count", self.system_open_count, "open files of the host");
  visit("system_max_count", self.system_max_count, "limit of the host");
  visit("process_max_count", self.process_max_count, "fs.nr_open");
  visit("inotify_max_count", self.inotify_max_count, "fs.inotify.max_user_instances");
  visit("watches_max_count", self.watches_max_count, "fs.inotify.max_user_watches");
  visit("processes", self.processes, "one or all");
  visit("gaps", self.gaps, "what could not be read");
}

}  // namespace triage::probes::fds
