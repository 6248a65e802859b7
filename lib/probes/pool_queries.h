#pragma once

#include <cstddef>

/// The statements that `triage pool` sends; printed by -v so that a person can repeat them.
namespace triage::probes::pool {

/// Columns in the order of struct Backend. clock_timestamp(), since now() stands still inside a
/// transaction; pg_blocking_pids only for backends that wait, since it takes the lock manager's
/// locks (PostgreSQL manual 9.26).
inline constexpr const char* activity_sql =
    "SELECT pid, usename, datname, application_name, host(client_addr), client_port, state, "
    "wait_event_type, wait_event, query_id::text, left(query, 2000), "
    "extract(epoch FROM clock_timestamp() - query_start), "
    "extract(epoch FROM clock_timestamp() - state_change), "
    "extract(epoch FROM clock_timestamp() - xact_start), "
    "CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid)::text END "
    "FROM pg_stat_activity WHERE (backend_type = 'client backend' OR backend_type IS NULL) "
    "AND datid IS NOT NULL AND pid <> pg_backend_pid() ORDER BY pid";
inline constexpr std::size_t activity_columns = 15;

/// reserved_connections exists since PostgreSQL 16; current_setting(.., true) is NULL before.
inline constexpr const char* limits_sql =
    "SELECT current_setting('max_connections')::int, "
    "current_setting('superuser_reserved_connections')::int + "
    "coalesce(current_setting('reserved_connections', true)::int, 0), "
    "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')";

inline constexpr const char* deadlocks_sql =
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

}  // namespace triage::probes::pool
