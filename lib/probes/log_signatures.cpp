#include "lib/probes/log_signatures.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t most_ids = 64;

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Texts of pg-pool 3.14, pg 8.23, knex 3.3, sequelize 6.37, generic-pool 3.9, mysql2 3.24.
std::vector<Signature> client_signatures() {
  return {
      {"pool.acquire_timeout",
       "waited for a pool slot; the server was not asked",
       Severity::crit,
       {"timeout exceeded when trying to connect",
        "Knex: Timeout acquiring a connection. The pool is probably full",
        "SequelizeConnectionAcquireTimeoutError", "ResourceRequest timed out",
        "Timed out fetching a new connection from the connection pool"}},
      {"pool.queue_full",
       "the queue in front of the pool reached its limit",
       Severity::crit,
       {"Queue limit reached.", "No connections available.", "max waitingClients count exceeded"}},
      {"pool.pooler_timeout",
       "PgBouncer let a client wait for a server connection for too long",
       Severity::crit,
       {"query_wait_timeout", "client_login_timeout",
        "no more connections allowed (max_client_conn)"}},
      {"net.connect_timeout",
       "a new server connection did not finish in time",
       Severity::crit,
       {"Connection terminated due to connection timeout", "timeout expired", "ETIMEDOUT",
        "UND_ERR_CONNECT_TIMEOUT"}},
      {"pg.read_timeout",
       "connected; the query was slower than the client's limit",
       Severity::warn,
       {"Query read timeout"}},
      {"pg.terminated",
       "the server or the network closed an open database connection",
       Severity::warn,
       {"Connection terminated unexpectedly",
        "terminating connection due to administrator command"}},
  };
}

/// Texts of PostgreSQL 15 (src/backend, lc_messages = C), and SQLSTATE as pg prints it.
std::vector<Signature> server_signatures() {
  return {
      {"pg.too_many_clients",
       "all server slots are taken (SQLSTATE 53300)",
       Severity::crit,
       {"sorry, too many clients already", "remaining connection slots are reserved",
        R"("code":"53300")", "code: '53300'"}},
      {"pg.too_many_for_role",
       "the connection limit of a role is reached, not max_connections",
       Severity::crit,
       {"too many connections for role"}},
      {"pg.too_many_for_db",
       "the connection limit of a database is reached, not max_connections",
       Severity::crit,
       {"too many connections for database"}},
      {"pg.lock_timeout",
       "gave up waiting for a lock (lock_timeout)",
       Severity::warn,
       {"canceling statement due to lock timeout"}},
      {"pg.lock_wait",
       "waited for a lock longer than deadlock_timeout (log_lock_waits)",
       Severity::warn,
       {"still waiting for"}},
      {"pg.deadlock",
       "two transactions waited for each other (SQLSTATE 40P01)",
       Severity::warn,
       {"deadlock detected", R"("code":"40P01")", "code: '40P01'"}},
      {"pg.statement_timeout",
       "a statement ran into statement_timeout (SQLSTATE 57014)",
       Severity::warn,
       {"canceling statement due to statement timeout"}},
      {"pg.cancelled",
       "a statement was cancelled by a user (SQLSTATE 57014)",
       Severity::info,
       {"canceling statement due to user request"}},
      {"pg.idle_tx",
       "a transaction that was left open was ended by the server",
       Severity::warn,
       {"terminating connection due to idle-in-transaction timeout"}},
      {"pg.unavailable",
       "the database starts, stops or recovers (SQLSTATE 57P03)",
       Severity::crit,
       {"the database system is starting up", "the database system is shutting down",
        "the database system is in recovery mode",
        "the database system is not yet accepting connections"}},
      {"pg.auth",
       "the server refused the credentials (SQLSTATE 28P01, 28000)",
       Severity::warn,
       {"password authentication failed for user", "no pg_hba.conf entry for"}},
  };
}

/// Texts of Node.js 18 to 22, undici and axios.
std::vector<Signature> node_signatures() {
  return {
      {"net.refused",
       "nothing listens there, or its backlog is full",
       Severity::crit,
       {"ECONNREFUSED"}},
      {"net.reset",
       "the peer reset an open connection",
       Severity::warn,
       {"ECONNRESET", "socket hang up"}},
      {"net.dns", "a host name was not resolved", Severity::crit, {"ENOTFOUND", "EAI_AGAIN"}},
      {"net.unreachable", "no route to the peer", Severity::crit, {"EHOSTUNREACH", "ENETUNREACH"}},
      {"http.client_timeout",
       "an outgoing HTTP request took longer than its limit",
       Severity::warn,
       {"UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "Headers Timeout Error",
        "Body Timeout Error", "ESOCKETTIMEDOUT", "The operation was aborted due to timeout",
        "ECONNABORTED"}},
      {"call.retried",
       "a call that failed is made again",
       Severity::info,
       {"trying again", "retrying", "Retrying", "will retry", "retry attempt", "Retry attempt",
        "Retry #"}},
      {"node.memory_sessions",
       "sessions are kept in memory: a restart loses them, and they leak",
       Severity::info,
       {"MemoryStore is not designed for a production environment"}},
      {"auth.failed",
       "a login failed",
       Severity::info,
       {"login failed", "Login failed", "Authentication failed", "invalid credentials",
        "Invalid credentials"}},
      {"fd.exhausted",
       "the process or the host has no file descriptor left",
       Severity::crit,
       {"EMFILE", "ENFILE", "too many open files", "Too many open files"}},
      {"node.uncaught",
       "an exception reached the event loop",
       Severity::crit,
       {"uncaughtException", "Uncaught Exception", "Uncaught exception"}},
      {"node.unhandled",
       "a rejected promise had no handler",
       Severity::warn,
       {"unhandledRejection", "UnhandledPromiseRejection", "Unhandled Rejection",
        "Unhandled rejection", "ERR_UNHANDLED_REJECTION"}},
      {"node.max_listeners",
       "listeners pile up on one emitter: often a leak",
       Severity::info,
       {"MaxListenersExceededWarning"}},
      {"node.loop_lag",
       "the service itself noticed that its event loop was blocked",
       Severity::warn,
       {"event loop lag", "Event loop lag", "eventLoopLag", "event loop delay", "Event loop delay",
        "event loop blocked", "Event loop blocked", "event-loop lag"}},
      {"node.heap_oom",
       "V8 reached its heap limit and ended the process",
       Severity::crit,
       {"JavaScript heap out of memory", "ERR_WORKER_OUT_OF_MEMORY",
        "Reached heap limit Allocation failed"}},
      {"os.oom_kill",
       "the kernel killed a process for memory",
       Severity::crit,
       {"Out of memory: Killed process", "oom-kill:", "OOMKilled"}},
  };
}

Signature& row_of(std::vector<Signature>& table, std::string_view id) {
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Signature& other) { return other.id == id; });
  if (row != table.end()) return *row;
  return table.emplace_back(Signature{std::string(id), "", Severity::warn, {}});
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 80 &&
         id.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string_view::npos;
}

}  // namespace

std::vector<Signature> builtin_signatures() {
  std::vector<Signature> table = client_signatures();
  for (auto rows : {server_signatures(), node_signatures()})
    for (auto& row : rows) table.push_back(std::move(row));
  return table;
}

void extend_signatures(std::vector<Signature>& table, std::string_view text,
                       const std::string& where) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    const std::string_view id = trim(line.substr(0, std::min(colon, line.size())));
    const std::string_view wanted =
        colon == std::string_view::npos ? std::string_view{} : trim(line.substr(colon + 1));
    if (!is_id(id) || wanted.size() < 3 || wanted.size() > 400)
      throw Error(ErrorCode::usage,
                  fmt::format("{}:{}: not a signature: '{}'", where, number, line.substr(0, 60)),
                  "write one 'id: text' a line, the text with 3 to 400 bytes");
    Signature& row = row_of(table, id);
    if (row.meaning.empty()) row.meaning = "defined in " + where;
    row.texts.emplace_back(wanted);
    if (table.size() > most_ids)
      throw Error(ErrorCode::usage, fmt::format("{}:{}: too many ids", where, number),
                  fmt::format("{} ids are possible, the built-in ones included", most_ids));
  }
}

TextMatcher matcher_of(const std::vector<Signature>& table) {
  std::vector<TextMatcher::Text> texts;
  for (std::size_t row = 0; row < table.size(); ++row)
    for (const auto& text : table[row].texts)
      texts.push_back({text, static_cast<std::uint32_t>(row)});
  return TextMatcher(texts);
}

}  // namespace triage::probes::logs
