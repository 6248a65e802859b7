#pragma once

/// `triage pool`: who holds the connection slots of a PostgreSQL server, with which statements, and
/// which local process is behind each connection.
///
/// Sources, best first: the application's own pools through the V8 inspector, with consent;
/// pg_stat_activity in a read-only session; when every slot is taken and the role may not use a
/// reserved one, the process titles of the server's backends on this host. Beside them the kernel's
/// tcp_info of this host's connections, which needs no login at all.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/pool_app.h"
#include "lib/probes/pool_bouncer.h"
#include "lib/probes/pool_causes.h"
#include "lib/report/report.h"

namespace triage::probes::pool {

struct Options {
  std::string db;
  std::string target;     ///< process whose connections are joined; empty: every process here
  std::string pgbouncer;  ///< its admin console, when one stands between; empty: not asked
  std::chrono::milliseconds slow_after{10000};  ///< age from which a statement is long
  std::int64_t samples = 2;
  std::chrono::milliseconds interval{500};
  std::chrono::milliseconds duration{0};  ///< instead of `samples`
  std::vector<std::string> source;        ///< "views", "titles", "tcp", "inspector"; empty: all
  bool allow_inspector = false;
  std::chrono::milliseconds pause_budget{50};  ///< of the target, for one piece of the walk
  std::chrono::milliseconds connect_timeout{5000};
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// One client backend. Ages are seconds at the time of the sample.
struct Backend {
  std::int64_t pid = 0;
  std::string user;
  std::string database;
  std::string application;
  std::string address;  ///< empty for a unix-domain socket
  std::int64_t port = 0;
  std::string state;  ///< "active", "idle", "idle in transaction", ...; empty when not visible
  std::string wait_type;
  std::string wait_event;
  std::string query_id;
  std::string query;  ///< literals replaced
  std::optional<double> query_age_s;
  std::optional<double> state_age_s;
  std::optional<double> transaction_age_s;
  std::vector<std::int64_t> blockers;
};

/// A local process that owns the client side of connections.
struct ClientSocket {
  std::int64_t port = 0;  ///< the client's port: pg_stat_activity.client_port
  std::int64_t pid = 0;
  std::string process;
};

/// A connection of this host to the server's port, by tcp_info alone.
struct TrackedConnection {
  std::int64_t port = 0;  ///< the client's
  std::string state;      ///< "in flight", "idle" or "unknown"
  double age_s = 0;       ///< since the last data was sent; of a stalled one, the peer's silence
  bool stalled = false;   ///< the kernel repeats data without an answer
  double unread_s = 0;    ///< how long answers have waited for the process to read them
  bool quiet = false;     ///< no data went either way since the dump before
};

struct Sample {
  std::string at;
  std::string target;
  std::string server;      ///< "127.0.0.1:5432/orders"
  std::string visibility;  ///< "all", "partial" (role sees only its own) or "titles"
  std::string slots_full;  ///< the server's own words when it refused the login
  std::optional<std::int64_t> max_count;
  std::optional<std::int64_t> reserved_count;
  std::vector<Backend> backends;  ///< client backends, without triage's own
  std::optional<std::int64_t> deadlocks_before_count;
  std::optional<std::int64_t> deadlocks_after_count;
  std::vector<ClientSocket> clients;
  std::vector<TrackedConnection> tracked;
  double tracked_s = 0;             ///< how long the connections were followed
  std::int64_t compared_count = 0;  ///< connections that both tcp_info and the server told of
  std::int64_t agreed_count = 0;    ///< of them with the same answer
  std::int64_t requests_count = 0;
  std::vector<double> answers_s;  ///< how long requests took that ended meanwhile
  std::int64_t target_pid = 0;    ///< of Options::target; 0: none was named
  std::vector<AppPool> app_pools;
  std::vector<AppWalk> app_walks;
  std::optional<Bouncer> bouncer;
  std::vector<Gap> gaps;
};

struct Share {
  std::string name;
  std::int64_t connections_count = 0;
  double ratio = 0;  ///< of the used slots
};

struct Statement {
  std::string query_id;
  std::string query;
  std::string state;
  std::string application;
  std::int64_t connections_count = 0;
  double connection_seconds = 0;  ///< sum of the ages over its connections
  std::optional<double> oldest_age_s;
  std::string wait_type;
  std::string wait_event;
  std::vector<std::int64_t> backend_pids;
};

/// A backend that blocks others and does not wait itself.
struct Blocking {
  std::int64_t root_pid = 0;
  std::string root_state;
  std::string root_application;
  std::string root_query;
  std::int64_t waiters_count = 0;  ///< all backends behind it, at any depth
};

struct Joined {
  std::int64_t pid = 0;
  std::string process;
  std::int64_t connections_count = 0;
};

/// One way of looking and how far it can be trusted.
struct Source {
  std::string name;      ///< "pg_stat_activity", "process titles", "tcp_info"
  std::string accuracy;  ///< in words, with the figure that was measured
};

/// What tcp_info says of the connections of this host.
struct TcpView {
  double followed_s = 0;
  std::int64_t in_flight_count = 0;
  std::int64_t idle_count = 0;
  std::int64_t unknown_count = 0;
  std::int64_t stalled_count = 0;
  std::int64_t unread_count = 0;  ///< answers wait for the process to read them
  std::optional<double> oldest_in_flight_s;
  std::optional<double> agreement_ratio;  ///< with pg_stat_activity in this run, 0..1
  std::int64_t compared_count = 0;        ///< connections in all samples that were compared
  std::int64_t requests_count = 0;        ///< sent while the connections were followed
  std::int64_t timed_count = 0;           ///< of them with both ends seen
  std::optional<double> answer_p50_s;
  std::optional<double> answer_p95_s;
  std::optional<double> answer_p99_s;
  std::optional<double> answer_max_s;
};

struct Result {
  Envelope envelope;
  std::string visibility;
  std::vector<Source> sources;
  std::vector<Cause> causes;
  std::vector<AppPool> app_pools;
  std::vector<AppWalk> app_walks;
  std::optional<Bouncer> bouncer;
  std::optional<TcpView> tcp;
  bool slots_full = false;
  std::optional<std::int64_t> used_count;
  std::optional<std::int64_t> max_count;
  std::optional<std::int64_t> reserved_count;
  std::optional<std::int64_t> usable_count;
  std::optional<double> used_ratio;
  std::vector<Share> by_application;
  std::vector<Share> by_user;
  std::vector<Share> by_address;
  std::vector<Share> by_state;
  std::vector<Statement> statements;
  std::optional<std::int64_t> long_count;
  std::optional<double> long_ratio;
  std::optional<std::int64_t> idle_in_transaction_count;
  std::optional<double> idle_in_transaction_oldest_s;
  std::optional<std::int64_t> parked_count;
  std::optional<double> parked_ratio;
  std::optional<std::int64_t> lock_waiters_count;
  std::vector<Blocking> blocking;
  std::optional<std::int64_t> deadlocks_count;
  std::optional<std::int64_t> deadlocks_total_count;
  std::vector<Joined> joined;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

/// "postgres: 15/main: app orders 127.0.0.1(53412) idle in transaction" -> a Backend; nothing for
/// the server's own processes. Format: set_ps_display, src/backend/utils/misc/ps_status.c.
std::optional<Backend> parse_title(const std::string& title);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Backend* /*tag*/) {
  visit("pid", self.pid, "backend process id");
  visit("user", self.user, "role");
  visit("database", self.database, "database");
  visit("application", self.application, "application_name");
  visit("address", self.address, "client address");
  visit("port", self.port, "client port");
  visit("state", self.state, "state");
  visit("wait_type", self.wait_type, "wait_event_type");
  visit("wait_event", self.wait_event, "wait_event");
  visit("query_id", self.query_id, "query id as text");
  visit("query", self.query, "statement, literals replaced");
  visit("query_age_s", self.query_age_s, "since query_start");
  visit("state_age_s", self.state_age_s, "since state_change");
  visit("transaction_age_s", self.transaction_age_s, "since xact_start");
  visit("blockers", self.blockers, "pids that block it");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ClientSocket* /*tag*/) {
  visit("port", self.port, "client port");
  visit("pid", self.pid, "process id");
  visit("process", self.process, "command line");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TrackedConnection* /*tag*/) {
  visit("port", self.port, "client port");
  visit("state", self.state, "in flight, idle or unknown");
  visit("age_s", self.age_s, "since data was sent; of a stalled one the peer's silence");
  visit("stalled", self.stalled, "the kernel repeats data without an answer");
  visit("unread_s", self.unread_s, "how long answers have waited to be read");
  visit("quiet", self.quiet, "no data went either way since the dump before");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Source* /*tag*/) {
  visit("name", self.name, "pg_stat_activity, process titles or tcp_info");
  visit("accuracy", self.accuracy, "how far it can be trusted");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TcpView* /*tag*/) {
  visit("followed_s", self.followed_s, "how long the connections were followed");
  visit("in_flight_count", self.in_flight_count, "a request waits for its answer");
  visit("idle_count", self.idle_count, "none does");
  visit("unknown_count", self.unknown_count, "never seen in a clear state");
  visit("stalled_count", self.stalled_count, "data is repeated without an answer");
  visit("unread_count", self.unread_count, "answers that the process does not read");
  visit("oldest_in_flight_s", self.oldest_in_flight_s, "null when none is in flight");
  visit("agreement_ratio", self.agreement_ratio,
        "connections on which pg_stat_activity says the same, 0..1; null without it");
  visit("compared_count", self.compared_count, "connections in all samples that were compared");
  visit("requests_count", self.requests_count, "sent while the connections were followed");
  visit("timed_count", self.timed_count, "of them with both ends seen");
  visit("answer_p50_s", self.answer_p50_s, "from request to answer, of the timed ones");
  visit("answer_p95_s", self.answer_p95_s, "from request to answer");
  visit("answer_p99_s", self.answer_p99_s, "from request to answer");
  visit("answer_max_s", self.answer_max_s, "from request to answer");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "database and process");
  visit("server", self.server, "host:port/database");
  visit("visibility", self.visibility, "all, partial or titles");
  visit("slots_full", self.slots_full, "the server's words");
  visit("max_count", self.max_count, "max_connections");
  visit("reserved_count", self.reserved_count, "reserved slots");
  visit("backends", self.backends, "client backends");
  visit("deadlocks_before_count", self.deadlocks_before_count, "counter at the first sample");
  visit("deadlocks_after_count", self.deadlocks_after_count, "counter at the last sample");
  visit("clients", self.clients, "local owners of the client sockets");
  visit("tracked", self.tracked, "connections of this host by tcp_info");
  visit("tracked_s", self.tracked_s, "how long they were followed");
  visit("compared_count", self.compared_count, "connections that tcp_info and the server told of");
  visit("agreed_count", self.agreed_count, "of them with the same answer");
  visit("requests_count", self.requests_count, "data segments sent meanwhile");
  visit("answers_s", self.answers_s, "how long requests took that ended meanwhile");
  visit("target_pid", self.target_pid, "process that was named; 0 when none was");
  visit("app_pools", self.app_pools, "the application's own pools");
  visit("app_walks", self.app_walks, "what finding them cost the target");
  visit("bouncer", self.bouncer, "pgbouncer between the service and the server; null: not asked");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Share* /*tag*/) {
  visit("name", self.name, "the application, role, address or state");
  visit("connections_count", self.connections_count, "client backends");
  visit("ratio", self.ratio, "of the used slots, 0..1");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Statement* /*tag*/) {
  visit("query_id", self.query_id, "query id of the server as text, or empty");
  visit("query", self.query, "literals replaced, cut at 200 bytes");
  visit("state", self.state, "state of its backends");
  visit("application", self.application, "application_name");
  visit("connections_count", self.connections_count, "backends with this statement");
  visit("connection_seconds", self.connection_seconds, "sum of their ages in seconds");
  visit("oldest_age_s", self.oldest_age_s, "age of the oldest; null when not visible");
  visit("wait_type", self.wait_type, "wait_event_type of most, or empty");
  visit("wait_event", self.wait_event, "wait_event of most, or empty");
  visit("backend_pids", self.backend_pids, "process ids on the database host");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Blocking* /*tag*/) {
  visit("root_pid", self.root_pid, "backend that blocks and does not wait");
  visit("root_state", self.root_state, "its state");
  visit("root_application", self.root_application, "its application_name");
  visit("root_query", self.root_query, "its current or last statement");
  visit("waiters_count", self.waiters_count, "backends behind it at any depth");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Joined* /*tag*/) {
  visit("pid", self.pid, "process on this host");
  visit("process", self.process, "its command line");
  visit("connections_count", self.connections_count, "backends that it talks to");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit(
      "visibility", self.visibility,
      "all: every backend is visible; partial: the role sees only its own; titles: process titles");
  visit("sources", self.sources, "ways of looking that were used, best first");
  visit("causes", self.causes, "named causes first, then sets that could not be told apart");
  visit("app_pools", self.app_pools, "the application's own pools, most waiting first");
  visit("app_walks", self.app_walks, "what finding them cost the target");
  visit("bouncer", self.bouncer, "pgbouncer between the service and the server; null: not asked");
  visit("tcp", self.tcp, "connections of this host by tcp_info; null when there is none");
  visit("slots_full", self.slots_full, "the server refused the login: every slot is taken");
  visit("used_count", self.used_count, "client backends, without triage's own");
  visit("max_count", self.max_count, "max_connections");
  visit("reserved_count", self.reserved_count, "slots that applications cannot use");
  visit("usable_count", self.usable_count, "max - reserved");
  visit("used_ratio", self.used_ratio, "used / usable, 0..1");
  visit("by_application", self.by_application, "most first");
  visit("by_user", self.by_user, "most first");
  visit("by_address", self.by_address, "most first");
  visit("by_state", self.by_state, "most first");
  visit("statements", self.statements, "most connection-seconds first");
  visit("long_count", self.long_count, "active for slow_after or longer, not waiting for a lock");
  visit("long_ratio", self.long_ratio, "of the used slots, 0..1");
  visit("idle_in_transaction_count", self.idle_in_transaction_count, "backends");
  visit("idle_in_transaction_oldest_s", self.idle_in_transaction_oldest_s,
        "since the last statement ended; null when there is none");
  visit("parked_count", self.parked_count, "idle in transaction for slow_after or longer");
  visit("parked_ratio", self.parked_ratio, "of the used slots, 0..1");
  visit("lock_waiters_count", self.lock_waiters_count, "backends that wait for a lock");
  visit("blocking", self.blocking, "roots of lock chains, most waiters first");
  visit("deadlocks_count", self.deadlocks_count, "between the first and the last sample");
  visit("deadlocks_total_count", self.deadlocks_total_count, "since the statistics were reset");
  visit("joined", self.joined, "local processes behind the connections, most first");
}

}  // namespace triage::probes::pool
