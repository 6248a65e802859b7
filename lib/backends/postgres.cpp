#include "lib/backends/postgres.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "lib/backends/postgres_library.h"
#include "lib/base/error.h"

namespace triage::backends {
namespace {

using namespace std::chrono_literals;

constexpr auto query_limit = 4000ms;

PGconn* handle(void* connection) {
  return static_cast<PGconn*>(connection);
}

struct ClearResult {
  void operator()(PGresult* result) const { pq().clear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

/// Waits until the socket can be read (or written); false when the time is up.
bool wait_for(int socket, bool writable, std::chrono::milliseconds limit) {
  const auto wanted = static_cast<short>(writable ? POLLOUT : POLLIN);
  pollfd entry{socket, wanted, 0};
  const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(limit.count(), 0)));
  return ready > 0 || (ready < 0 && errno == EINTR);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

struct Refusal {
  std::string_view part;  ///< of the server's or libpq's message
  ErrorCode code;
  std::string_view remedy;
};

/// Texts of PostgreSQL 15 (src/backend/libpq/auth.c, postinit.c) and libpq; anything else is
/// unreachable.
constexpr std::array<Refusal, 11> refusals{{
    {"password authentication failed", ErrorCode::refused,
     "check user and password: PGPASSWORD, ~/.pgpass or the URI"},
    {"no password supplied", ErrorCode::refused,
     "give a password by PGPASSWORD, ~/.pgpass or the URI"},
    {"no encryption", ErrorCode::refused, "the server wants TLS: add sslmode=require to --db"},
    {"SSL off", ErrorCode::refused, "the server wants TLS: add sslmode=require to --db"},
    {"server does not support SSL", ErrorCode::refused,
     "the server has no TLS: use sslmode=prefer or disable in --db"},
    {"no pg_hba.conf entry", ErrorCode::refused,
     "allow this host and role in pg_hba.conf, or connect from an allowed host"},
    {"authentication failed", ErrorCode::refused, "use a role that may log in from here"},
    {"role \"", ErrorCode::refused, "name an existing role in --db or PGUSER"},
    {"database \"", ErrorCode::not_found, "name an existing database in --db or PGDATABASE"},
    {"definition of service", ErrorCode::usage, "check pg_service.conf (PGSERVICEFILE)"},
    {"invalid ", ErrorCode::usage, "use a URI such as postgres://user@host:5432/database"},
}};

[[noreturn]] void fail_connect(const std::string& message, const std::string& where) {
  for (const auto& refusal : refusals)
    if (contains(message, refusal.part))
      throw Error(refusal.code, fmt::format("database {}: {}", where, message),
                  std::string(refusal.remedy));
  throw Error(ErrorCode::unreachable, fmt::format("database {}: {}", where, message),
              "check that the server runs and that host and port are right");
}

[[noreturn]] void fail_query(const PGresult* result) {
  const char* state = pq().result_error_field(result, PG_DIAG_SQLSTATE);
  const std::string code = state == nullptr ? "" : state;
  const std::string text = one_line(pq().result_error_message(result));
  if (code == "42501")
    throw Error(ErrorCode::refused, text, "GRANT pg_monitor TO the role that triage uses");
  if (code == "57014" || code == "55P03")
    throw Error(ErrorCode::budget, text, "the server is too busy for this question; try again");
  if (code.empty()) throw Error(ErrorCode::unreachable, text, "the session broke; try again");
  throw Error(ErrorCode::malformed, text);
}

std::string text_of(const char* value) {
  return value == nullptr ? "" : value;
}

Rows to_rows(const PGresult* result) {
  Rows rows;
  for (int c = 0; c < pq().column_count(result); ++c)
    rows.columns.push_back(text_of(pq().column_name(result, c)));
  for (int r = 0; r < pq().row_count(result); ++r) {
    auto& row = rows.rows.emplace_back();
    for (int c = 0; c < pq().column_count(result); ++c) {
      if (pq().is_null(result, r, c) != 0) {
        row.emplace_back(std::nullopt);
      } else {
        row.emplace_back(std::string(pq().value(result, r, c),
                                     static_cast<std::size_t>(pq().length(result, r, c))));
      }
    }
  }
  return rows;
}

std::uint16_t port_of(const char* text) {
  std::uint16_t port = 0;
  const std::string value = text_of(text);
  std::from_chars(value.data(), value.data() + value.size(), port);
  return port;
}

/// Runs libpq's connection automaton without blocking. False when the time is up.
bool drive(PGconn* connection, std::chrono::milliseconds limit, const Session& session) {
  const auto end = session.clock().monotonic() + limit;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - session.clock().monotonic());
    if (left <= 0ms || session.cancelled()) return false;
    // Short waits, so that Ctrl-C is heard.
    wait_for(pq().socket(connection), status == PGRES_POLLING_WRITING, std::min(left, 200ms));
    status = pq().connect_poll(connection);
  }
  return true;
}

}  // namespace

void PostgresConnection::Close::operator()(void* connection) const {
  pq().finish(handle(connection));
}

PostgresConnection::PostgresConnection(void* connection)
    : connection_(connection),
      host_(text_of(pq().host(handle(connection)))),
      database_(text_of(pq().database(handle(connection)))),
      user_(text_of(pq().user(handle(connection)))),
      port_(port_of(pq().port(handle(connection)))) {}

Rows PostgresConnection::query(const std::string& sql) {
  PGconn* connection = handle(connection_.get());
  ++statements_;
  const int sent = console_ ? pq().send_query(connection, sql.c_str())
                            : pq().send_query_params(connection, sql.c_str(), 0, nullptr, nullptr,
                                                     nullptr, nullptr, 0);
  if (sent == 0)
    throw Error(ErrorCode::unreachable, one_line(pq().error_message(connection)), "try again");
  while (pq().is_busy(connection) != 0) {
    if (!wait_for(pq().socket(connection), false, query_limit))
      throw Error(ErrorCode::budget, "the database did not answer within 4 s",
                  "check the network and the load of the server");
    if (pq().consume_input(connection) == 0)
      throw Error(ErrorCode::unreachable, one_line(pq().error_message(connection)), "try again");
  }
  const ResultHandle result(pq().get_result(connection));
  while (const ResultHandle rest{pq().get_result(connection)}) continue;
  const auto status = pq().result_status(result.get());
  if (status == PGRES_COMMAND_OK) return {};  // SET, PREPARE
  if (status != PGRES_TUPLES_OK) fail_query(result.get());
  return to_rows(result.get());
}

/// Befriended by PostgresConnection, so that only a finished connection becomes one.
struct PostgresConnector {
  static PostgresConnected connect(const PostgresOptions& options, const Session& session) {
    // Later keywords win over what the URI in `dbname` says.
    const std::array<const char*, 4> keywords{"dbname", "application_name", "options", nullptr};
    const std::array<const char*, 4> values{
        options.database.c_str(), "triage",
        "-c default_transaction_read_only=on -c statement_timeout=2s -c lock_timeout=500ms",
        nullptr};
    const std::array<const char*, 2> console_keywords{"dbname", nullptr};
    const std::array<const char*, 2> console_values{options.database.c_str(), nullptr};
    PostgresConnection connection(
        options.console ? pq().connect_start(console_keywords.data(), console_values.data(), 1)
                        : pq().connect_start(keywords.data(), values.data(), 1));
    connection.console_ = options.console;
    PGconn* raw = handle(connection.connection_.get());
    const std::string where = connection.host_.empty()
                                  ? std::string("(not named)")
                                  : fmt::format("{}:{}", connection.host_, connection.port_);
    if (pq().status(raw) == CONNECTION_BAD) fail_connect(one_line(pq().error_message(raw)), where);
    const auto limit =
        std::min(options.connect_timeout, std::chrono::duration_cast<std::chrono::milliseconds>(
                                              std::min<Duration>(session.remaining(), 1h)));
    if (!drive(raw, limit, session))
      throw Error(ErrorCode::unreachable,
                  fmt::format("database {}: no answer within {} ms", where, limit.count()),
                  "check host, port and firewall, or raise --connect-timeout");
    PostgresConnected connected{
        std::nullopt, {}, connection.host_, connection.database_, connection.port_};
    if (pq().status(raw) == CONNECTION_OK) {
      connected.connection.emplace(std::move(connection));
      return connected;
    }
    const std::string message = one_line(pq().error_message(raw));
    // SQLSTATE 53300 has these texts in PostgreSQL 12 to 17 (postinit.c, proc.c).
    if (!contains(message, "too many clients already") &&
        !contains(message, "connection slots are reserved"))
      fail_connect(message, where);
    connected.slots_full = message;
    return connected;
  }
};

Cell Rows::cell(const std::vector<Cell>& row, const std::string& column) const {
  const auto at = std::find(columns.begin(), columns.end(), column);
  const auto index = static_cast<std::size_t>(at - columns.begin());
  return index < row.size() ? row[index] : std::nullopt;
}

PostgresConnected postgres_address(const PostgresOptions& options) {
  PostgresConnected address;
  std::string port = "5432";
  const auto read = [&](PQconninfoOption* list) {
    for (const PQconninfoOption* one = list; one != nullptr && one->keyword != nullptr; ++one) {
      const std::string value = text_of(one->val);
      const std::string_view keyword = one->keyword;
      if (value.empty()) continue;
      if (keyword == "service")
        throw Error(ErrorCode::usage, "a service name cannot be used without a login",
                    "give host and port in --db");
      if (keyword == "host") address.host = value;
      if (keyword == "port") port = value;
      if (keyword == "dbname") address.database = value;
    }
  };
  struct Free {
    void operator()(PQconninfoOption* list) const { pq().conninfo_free(list); }
  };
  using List = std::unique_ptr<PQconninfoOption, Free>;
  const List defaults(pq().conninfo_defaults());
  read(defaults.get());
  if (contains(options.database, "=") || contains(options.database, "://")) {
    char* message = nullptr;
    const List named(pq().conninfo_parse(options.database.c_str(), &message));
    const std::string why = one_line(text_of(message));
    pq().free_memory(message);
    if (!named)
      throw Error(ErrorCode::usage, "database: " + why,
                  "use a URI such as postgres://user@host:5432/database");
    read(named.get());
  }
  address.port = port_of(port.c_str());
  return address;
}

PostgresConnected connect_postgres(const PostgresOptions& options, const Session& session) {
  return PostgresConnector::connect(options, session);
}

}  // namespace triage::backends
