#pragma once

/// Connection pools as the application's own objects know them: source (a) of `triage pool`,
/// through the V8 inspector with consent. See pool_walk.h for how they are found.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace triage::probes::pool {

/// A connection that is checked out of a pool.
struct AppClient {
  std::int64_t id = 0;                      ///< of the object, within one run
  std::optional<std::int64_t> backend_pid;  ///< the server's process or connection id
  std::optional<std::int64_t> port;         ///< local port of its socket
  std::string statement;                    ///< that runs, literals replaced; empty: none
  std::string transaction;  ///< "I" none, "T" open, "E" failed; empty: the library does not say
  std::optional<double> held_s;  ///< since it was checked out
  bool held_exactly = false;     ///< the pool notes when; otherwise held_s is a lower bound
  bool stayed = false;           ///< the same check-out from the first look to the last
};

/// One pool, and what changed while it was watched.
struct AppPool {
  std::int64_t pid = 0;  ///< of the process
  std::int64_t id = 0;   ///< of the object, within one run
  std::string library;   ///< "pg-pool", "tarn" (knex), "mysql2", ...
  std::string server;    ///< "127.0.0.1:5432/orders"; empty when the pool does not say
  std::int64_t total_count = 0;
  std::int64_t idle_count = 0;
  std::int64_t checked_out_count = 0;
  std::int64_t waiting_count = 0;
  std::optional<std::int64_t> max_count;
  std::optional<std::int64_t> acquire_timeout_ms;  ///< configured; 0: waits for ever
  std::optional<std::int64_t> idle_timeout_ms;     ///< configured
  std::optional<double> waiting_oldest_s;          ///< of the head of the queue, a lower bound
  double watched_s = 0;
  std::int64_t looks_count = 0;
  std::int64_t looks_waiting_count = 0;  ///< of them with someone waiting
  double checked_out_mean = 0;
  double waiting_mean = 0;
  std::int64_t waiting_growth_count = 0;       ///< last look minus first look
  std::optional<double> statement_ratio;       ///< checked-out connections with a statement, 0..1
  std::optional<std::int64_t> returned_count;  ///< check-outs that ended meanwhile
  std::vector<AppClient> clients;              ///< checked out, longest held first
};

/// What the walk cost the target.
struct AppWalk {
  std::int64_t pid = 0;
  std::int64_t requests_count = 0;
  double pause_ms = 0;  ///< longest stretch that the target's thread spent on it
  double total_ms = 0;  ///< all of them
  bool whole = true;    ///< false: a budget ended the walk, pools may be missing
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const AppClient* /*tag*/) {
  visit("id", self.id, "of the object, within this run");
  visit("backend_pid", self.backend_pid, "the server's process or connection id");
  visit("port", self.port, "local port of its socket");
  visit("statement", self.statement, "that runs, literals replaced; empty when none runs");
  visit("transaction", self.transaction, "I none, T open, E failed; empty when not known");
  visit("held_s", self.held_s, "since the check-out");
  visit("held_exactly", self.held_exactly, "whether held_s is exact, not a lower bound");
  visit("stayed", self.stayed, "the same check-out from the first look to the last");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const AppPool* /*tag*/) {
  visit("pid", self.pid, "process");
  visit("id", self.id, "of the object, within this run");
  visit("library", self.library, "pg-pool, tarn (knex), generic-pool, sequelize-pool, mysql2, ...");
  visit("server", self.server, "host:port/database, or empty");
  visit("total_count", self.total_count, "connections");
  visit("idle_count", self.idle_count, "of them free");
  visit("checked_out_count", self.checked_out_count, "of them in use");
  visit("waiting_count", self.waiting_count, "requests that wait for a connection");
  visit("max_count", self.max_count, "configured size");
  visit("acquire_timeout_ms", self.acquire_timeout_ms, "configured; 0 waits for ever");
  visit("idle_timeout_ms", self.idle_timeout_ms, "configured");
  visit("waiting_oldest_s", self.waiting_oldest_s, "head of the queue waits for at least so long");
  visit("watched_s", self.watched_s, "from the first look to the last");
  visit("looks_count", self.looks_count, "how often it was read");
  visit("looks_waiting_count", self.looks_waiting_count, "of them with someone waiting");
  visit("checked_out_mean", self.checked_out_mean, "mean of the looks");
  visit("waiting_mean", self.waiting_mean, "mean of the looks");
  visit("waiting_growth_count", self.waiting_growth_count, "last look minus first");
  visit("statement_ratio", self.statement_ratio,
        "checked-out connections with a statement in flight, 0..1; null when none was out");
  visit("returned_count", self.returned_count, "check-outs that ended; null when not counted");
  visit("clients", self.clients, "connections that are checked out, longest held first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const AppWalk* /*tag*/) {
  visit("pid", self.pid, "process");
  visit("requests_count", self.requests_count, "inspector requests");
  visit("pause_ms", self.pause_ms, "longest stretch that its thread spent on it");
  visit("total_ms", self.total_ms, "all of them");
  visit("whole", self.whole, "false when a budget ended the walk");
}

}  // namespace triage::probes::pool
