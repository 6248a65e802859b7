#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/os/fd.h"
#include "tests/support/command.h"

namespace triage::testing {

/// A TCP port of loopback on which nothing listens.
int free_port();

/// A PostgreSQL cluster of the test's own: initdb in a temporary directory as an unprivileged user,
/// on a free port, stopped by pid at the end. Roles: postgres (superuser), watcher (pg_monitor),
/// plain; each with its name as password.
class PostgresServer {
 public:
  explicit PostgresServer(
      const std::vector<std::string>& settings = {},
      const std::string& host_based_access = "host all all 127.0.0.1/32 scram-sha-256\n");
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string uri(const std::string& role = "watcher") const;
  /// Runs SQL as the superuser through the socket and gives the output (psql -At).
  std::string sql(const std::string& text) const;
  /// Polls until the query answers `wanted`; fails the test after 20 s.
  void wait_until(const std::string& query, const std::string& wanted) const;

 private:
  TemporaryDirectory directory_;
  std::string binaries_;
  int port_ = 0;
  pid_t pid_ = 0;
};

/// A pgbouncer in front of a server, in transaction mode with three server connections; its console
/// is open to watcher.
class Pgbouncer {
 public:
  explicit Pgbouncer(const PostgresServer& server);
  Pgbouncer(const Pgbouncer&) = delete;
  Pgbouncer& operator=(const Pgbouncer&) = delete;
  ~Pgbouncer();

  /// Of the database as role plain, and of the console.
  [[nodiscard]] std::string uri() const;
  [[nodiscard]] std::string console() const;

 private:
  TemporaryDirectory directory_;
  int port_ = 0;
  pid_t pid_ = 0;
};

/// A session that runs one psql script in the background and is ended with the object.
class PsqlSession {
 public:
  PsqlSession(const PostgresServer& server, const std::string& script,
              const std::string& role = "plain");
  PsqlSession(const PsqlSession&) = delete;
  PsqlSession& operator=(const PsqlSession&) = delete;
  ~PsqlSession();

 private:
  pid_t pid_ = 0;
  os::Fd input_;
};

}  // namespace triage::testing
