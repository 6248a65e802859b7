#pragma once

/// pgbouncer between the service and PostgreSQL: who waits in it, and which backend serves which
/// client, from its admin console (SHOW POOLS, CLIENTS, SERVERS; pgbouncer.org/usage.html).
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/session.h"

namespace triage::probes::pool {

struct BouncerPool {
  std::string database;
  std::string user;
  std::string mode;  ///< "transaction", "session", "statement"
  std::int64_t clients_active_count = 0;
  std::int64_t clients_waiting_count = 0;
  std::int64_t servers_active_count = 0;
  std::int64_t servers_idle_count = 0;
  double longest_wait_s = 0;
};

/// One client of pgbouncer, and the backend that serves it at this moment.
struct BouncerLink {
  std::string client_address;
  std::int64_t client_port = 0;
  std::string state;             ///< "active", "waiting", "idle"
  std::int64_t server_port = 0;  ///< pg_stat_activity.client_port of the backend; 0: none
  std::int64_t backend_pid = 0;  ///< 0: none
  std::int64_t pid = 0;          ///< the process here that owns the client's socket; 0: not here
};

struct Bouncer {
  std::string address;  ///< host:port
  std::int64_t port = 0;
  std::string version;
  std::vector<BouncerPool> pools;  ///< most waiting first
  std::vector<BouncerLink> links;
};

/// Asks the console. Throws what connect_postgres() and query() throw.
Bouncer read_bouncer(const std::string& uri, std::chrono::milliseconds connect_timeout,
                     Session& session);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const BouncerPool* /*tag*/) {
  visit("database", self.database, "database");
  visit("user", self.user, "role");
  visit("mode", self.mode, "pool_mode");
  visit("clients_active_count", self.clients_active_count, "cl_active");
  visit("clients_waiting_count", self.clients_waiting_count, "cl_waiting");
  visit("servers_active_count", self.servers_active_count, "sv_active");
  visit("servers_idle_count", self.servers_idle_count, "sv_idle");
  visit("longest_wait_s", self.longest_wait_s, "maxwait");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const BouncerLink* /*tag*/) {
  visit("client_address", self.client_address, "of the client");
  visit("client_port", self.client_port, "of the client");
  visit("state", self.state, "active, waiting or idle");
  visit("server_port", self.server_port, "client_port of its backend; 0 when it has none");
  visit("backend_pid", self.backend_pid, "process of its backend; 0 when it has none");
  visit("pid", self.pid, "process here that owns the client's socket; 0 when none does");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Bouncer* /*tag*/) {
  visit("address", self.address, "host:port");
  visit("port", self.port, "on which it listens");
  visit("version", self.version, "of pgbouncer");
  visit("pools", self.pools, "most waiting first");
  visit("links", self.links, "its clients and their backends");
}

}  // namespace triage::probes::pool
