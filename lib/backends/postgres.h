#pragma once

/// A short, read-only conversation with a PostgreSQL server.
///
///   auto connected = connect_postgres({uri, 5s}, session);
///   if (connected.connection) rows = connected.connection->query("SELECT ...");
///
/// Every session has default_transaction_read_only, statement_timeout 2 s, lock_timeout 500 ms and
/// application_name 'triage'; every wait is bounded. libpq reads PG* variables, pg_service.conf and
/// .pgpass where the URI leaves something open.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/session.h"

namespace triage::backends {

using Cell = std::optional<std::string>;  ///< nothing is SQL NULL

struct Rows {
  std::vector<std::string> columns;  ///< their names
  std::vector<std::vector<Cell>> rows;
  /// The cell of a named column; nothing where there is none of that name.
  [[nodiscard]] Cell cell(const std::vector<Cell>& row, const std::string& column) const;
};

struct PostgresOptions {
  std::string database;  ///< URI, conninfo or service name ("service=orders"); empty: PG* variables
  std::chrono::milliseconds connect_timeout{5000};
  /// The admin console of pgbouncer: it takes no settings and the simple query protocol only.
  bool console = false;
};

/// One open session; closes it at the end.
class PostgresConnection {
 public:
  /// Throws Error{budget} after 4 s without an answer, Error{refused} without the right,
  /// Error{unreachable} when the session broke, Error{malformed} for any other server error.
  Rows query(const std::string& sql);

  [[nodiscard]] const std::string& host() const { return host_; }  ///< name, or socket directory
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] std::int64_t statements_count() const { return statements_; }

 private:
  friend struct PostgresConnector;
  struct Close {
    void operator()(void* connection) const;
  };
  explicit PostgresConnection(void* connection);

  std::unique_ptr<void, Close> connection_;  ///< PGconn
  std::string host_;
  std::string database_;
  std::string user_;
  std::uint16_t port_ = 0;
  std::int64_t statements_ = 0;
  bool console_ = false;
};

/// A server whose slots are all taken refuses the login; that is an answer, not a failure.
struct PostgresConnected {
  std::optional<PostgresConnection> connection;
  std::string slots_full;  ///< the server's own words, else empty
  std::string host;
  std::string database;
  std::uint16_t port = 0;
};

/// Throws Error{unreachable} (down, no route, time-out), Error{refused} (password, TLS, pg_hba),
/// Error{not_found} (no such database), Error{usage} (malformed URI).
PostgresConnected connect_postgres(const PostgresOptions& options, const Session& session);

/// Where a login would go, without any contact; `connection` and `slots_full` stay empty. Throws
/// Error{usage} for a malformed URI and for a service name, which only libpq's login resolves.
PostgresConnected postgres_address(const PostgresOptions& options);

}  // namespace triage::backends
