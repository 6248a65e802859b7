#include "lib/probes/pool_statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "lib/backends/cells.h"
#include "lib/base/clock.h"
#include "lib/base/statement_text.h"
#include "lib/base/units.h"

namespace triage::probes::pool_statements {
namespace {

using backends::integer_of;
using backends::number_of;
using backends::PostgresConnection;
using backends::text_of;

/// The schema and version of the extension: total_exec_time has been total_time before 1.8.
constexpr const char* extension_sql =
    "SELECT quote_ident(n.nspname), e.extversion, "
    "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') FROM pg_extension e "
    "JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";

constexpr const char* counters_sql =
    "SELECT queryid::text, min(left(query, 2000)), sum(calls)::bigint, sum(rows)::bigint, "
    "sum(total_exec_time), sum(shared_blks_read)::bigint, sum(shared_blks_hit)::bigint, "
    "sum(temp_blks_written)::bigint FROM {}.pg_stat_statements "
    "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND queryid IS NOT NULL GROUP BY queryid";

constexpr std::int64_t least_children = 5;  ///< calls per parent that are no coincidence
constexpr double row_match = 0.2;           ///< calls of the child within 20 % of the parent's rows

std::vector<Counters> read_counters(PostgresConnection& connection, const std::string& schema) {
  std::vector<Counters> all;
  for (const auto& row : connection.query(fmt::format(counters_sql, schema)).rows) {
    constexpr std::size_t columns = 8;
    if (row.size() < columns) continue;
    Counters one;
    one.query_id = text_of(row[0]);
    one.query = normalise_statement(text_of(row[1]));
    one.calls_count = integer_of(row[2]);
    one.rows_count = integer_of(row[3]);
    one.total_ms = number_of(row[4]).value_or(0);
    one.blocks_read_count = integer_of(row[5]);
    one.blocks_hit_count = integer_of(row[6]);
    one.temporary_blocks_count = integer_of(row[7]);
    all.push_back(std::move(one));
  }
  return all;
}

/// pg_stat_statements_info exists since 1.9; without it a reset shows as counters that fall.
std::string read_reset(PostgresConnection& connection, const std::string& schema) {
  std::vector<Gap> older;
  const auto rows = attempt(older, "reset", [&] {
    return connection.query(
        fmt::format("SELECT stats_reset::text FROM {}.pg_stat_statements_info", schema));
  });
  return rows && !rows->rows.empty() ? text_of(rows->rows[0][0]) : std::string();
}

/// What happened in the window, by query id. A statement that was not there before began in it.
std::vector<Counters> differences(const Sample& sample) {
  std::map<std::string, const Counters*> before;
  for (const auto& one : sample.before) before[one.query_id] = &one;
  std::vector<Counters> changed;
  for (auto one : sample.after) {
    if (const auto found = before.find(one.query_id); found != before.end()) {
      const Counters& old = *found->second;
      one.calls_count -= old.calls_count;
      one.rows_count -= old.rows_count;
      one.total_ms -= old.total_ms;
      one.blocks_read_count -= old.blocks_read_count;
      one.blocks_hit_count -= old.blocks_hit_count;
      one.temporary_blocks_count -= old.temporary_blocks_count;
    }
    if (one.calls_count > 0 && one.total_ms >= 0) changed.push_back(std::move(one));
  }
  return changed;
}

void add_statements(const std::vector<Counters>& changed, Result& result) {
  double all_ms = 0;
  for (const auto& one : changed) all_ms += one.total_ms;
  constexpr double ms_per_s = 1000;
  result.busy_mean = all_ms / ms_per_s / result.window_s;
  for (const auto& one : changed) {
    const auto calls = static_cast<double>(one.calls_count);
    const std::int64_t blocks = one.blocks_read_count + one.blocks_hit_count;
    Statement row{one.query_id,
                  one.query,
                  one.calls_count,
                  calls / result.window_s,
                  one.total_ms / calls,
                  all_ms > 0 ? one.total_ms / all_ms : 0,
                  one.total_ms / ms_per_s / result.window_s,
                  static_cast<double>(one.rows_count) / calls,
                  std::nullopt,
                  one.temporary_blocks_count};
    if (blocks > 0)
      row.cache_ratio = static_cast<double>(one.blocks_hit_count) / static_cast<double>(blocks);
    result.statements.push_back(std::move(row));
  }
  std::stable_sort(
      result.statements.begin(), result.statements.end(),
      [](const Statement& a, const Statement& b) { return a.time_ratio > b.time_ratio; });
}

/// N+1: the child is called as often as the parent gives rows. Of several parents that would do,
/// the one that matches best.
void find_row_by_row(const std::vector<Counters>& changed, Result& result) {
  for (const auto& child : changed) {
    const Counters* best = nullptr;
    double best_off = row_match;
    for (const auto& parent : changed) {
      if (parent.query_id == child.query_id ||
          child.calls_count < least_children * parent.calls_count || parent.rows_count == 0)
        continue;
      const double off = std::abs(static_cast<double>(child.calls_count - parent.rows_count)) /
                         static_cast<double>(parent.rows_count);
      if (off > best_off) continue;
      best_off = off;
      best = &parent;
    }
    if (best == nullptr) continue;
    result.row_by_row.push_back(
        {best->query_id, best->query, best->calls_count, child.query_id, child.query,
         static_cast<double>(child.calls_count) / static_cast<double>(best->calls_count),
         child.total_ms});
  }
  std::stable_sort(result.row_by_row.begin(), result.row_by_row.end(),
                   [](const RowByRow& a, const RowByRow& b) { return a.child_ms > b.child_ms; });
}

void judge(const Sample& sample, Result& result) {
  if (!sample.installed)
    return result.envelope.find("not_installed", Severity::unknown,
                                "pg_stat_statements is not in this database: what the statements "
                                "cost is unknown");
  if (sample.reset_before != sample.reset_after)
    result.envelope.find("reset", Severity::unknown,
                         "the counters were reset while triage watched: the window is not whole");
  if (sample.partial)
    result.envelope.find("partial", Severity::unknown,
                         "the role sees the texts of its own statements only");
  for (const auto& pair : result.row_by_row)
    result.envelope.find(
        "row_by_row", Severity::warn,
        fmt::format("\"{}\" is called {:.0f} times per call of \"{}\", once per row that it gives: "
                    "N+1",
                    pair.child, pair.calls_per_parent, pair.parent));
  for (const auto& statement : result.statements)
    if (statement.temporary_blocks_count > 0)
      result.envelope.find(
          "spills", Severity::info,
          fmt::format("\"{}\" wrote {} blocks to disk for sorts or hashes: more "
                      "than work_mem",
                      statement.query, format_count(statement.temporary_blocks_count)));
}

}  // namespace

Help help() {
  return {
      "Reads the counters of pg_stat_statements twice and tells what each statement cost in "
      "between: calls, mean time, share of all time, and how many sessions it keeps busy. Nothing "
      "is reset. A statement that is called once per row that another gives is named as N+1.",
      {{"triage pool statements --db service=orders", "the statements of ten seconds"},
       {"triage pool statements --db service=orders --duration 1m --top 20", "of a minute"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"db",
                 "database: URI, service=NAME or conninfo; default from PG* variables",
                 "URI",
                 {},
                 true,
                 true,
                 0},
                options.db);
  visitor.visit({"duration", "length of the window", "DURATION", {}, false, false, 0},
                options.duration);
  visitor.visit({"top", "rows of the table", "N", {}, false, false, 0}, options.top);
  visitor.visit(
      {"connect-timeout", "how long to wait for the login", "DURATION", {}, false, false, 0},
      options.connect_timeout);
}

Sample collect(const Options& options, Session& session) {
  auto connected = backends::connect_postgres({options.db, options.connect_timeout}, session);
  if (!connected.connection)
    throw Error(ErrorCode::refused, connected.slots_full,
                "log in as a role that may use the reserved slots");
  PostgresConnection& connection = *connected.connection;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = fmt::format("{}:{}/{}", connected.host, connected.port, connected.database);
  const auto extension = connection.query(extension_sql);
  sample.installed = !extension.rows.empty();
  if (!sample.installed) {
    sample.gaps.push_back({"statements", "not_found", "pg_stat_statements is not installed",
                           "shared_preload_libraries = 'pg_stat_statements', restart, then CREATE "
                           "EXTENSION pg_stat_statements"});
    return sample;
  }
  const std::string schema = text_of(extension.rows[0][0]);
  sample.partial = text_of(extension.rows[0][2]) != "t";
  sample.reset_before = read_reset(connection, schema);
  sample.before = read_counters(connection, schema);
  const Duration start = session.clock().monotonic();
  session.progress(
      fmt::format("watching the statements for {}", to_duration_text(options.duration)));
  while (!session.cancelled() && session.clock().monotonic() - start < options.duration)
    std::this_thread::sleep_for(std::min<Duration>(
        std::chrono::milliseconds(100), options.duration - (session.clock().monotonic() - start)));
  sample.after = read_counters(connection, schema);
  sample.window_s = std::chrono::duration<double>(session.clock().monotonic() - start).count();
  sample.reset_after = read_reset(connection, schema);
  session.touch({"database session " + sample.target,
                 fmt::format("read-only, {} statements", connection.statements_count()), 1, 0});
  return sample;
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.window_s = sample.window_s;
  if (sample.installed && sample.window_s > 0) {
    const auto changed = differences(sample);
    add_statements(changed, result);
    find_row_by_row(changed, result);
  } else {
    for (const char* key : {"row_by_row", "busy_mean"})
      result.envelope.gaps.push_back({key, "not_found", "pg_stat_statements is not installed", ""});
  }
  judge(sample, result);
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(options.top, 1));
  if (result.statements.size() > most) result.statements.resize(most);
  result.envelope.provenance.push_back(
      {{"/statements", "/row_by_row", "/busy_mean", "/window_s"},
       "pg_stat_statements, two readings",
       sample.at,
       fmt::format("psql -c \"{}\"", fmt::format(counters_sql, "public"))});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (result.busy_mean)
    all.push_back({"WINDOW",
                   "",
                   {Paragraph{fmt::format("{}: statements kept {:.2f} sessions busy on average",
                                          format_duration(result.window_s), *result.busy_mean)}},
                   false});
  if (!result.statements.empty()) {
    Table table{{{"statement", false, true},
                 {"calls/s", true, false},
                 {"mean", true, false},
                 {"time", true, false},
                 {"busy", true, false},
                 {"rows", true, false}},
                {}};
    for (const auto& row : result.statements)
      table.rows.push_back({row.query, fmt::format("{:.1f}", row.calls_per_s),
                            fmt::format("{:.2f} ms", row.mean_ms), format_ratio(row.time_ratio),
                            fmt::format("{:.2f}", row.busy_mean),
                            fmt::format("{:.1f}", row.rows_per_call)});
    all.push_back(
        {"STATEMENTS", "busy: sessions at a time; rows: per call", {std::move(table)}, false});
  }
  if (!result.row_by_row.empty()) {
    Table table{{{"called per row", false, true}, {"times", true, false}, {"of", false, true}}, {}};
    for (const auto& pair : result.row_by_row)
      table.rows.push_back({pair.child, fmt::format("{:.0f}", pair.calls_per_parent), pair.parent});
    all.push_back({"N+1", "", {std::move(table)}, false});
  }
  return all;
}

}  // namespace triage::probes::pool_statements
