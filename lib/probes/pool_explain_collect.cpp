#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lib/backends/cells.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/statement_text.h"
#include "lib/probes/pool_explain.h"

namespace triage::probes::pool_explain {
namespace {

using backends::integer_of;
using backends::number_of;
using backends::PostgresConnection;
using backends::text_of;

constexpr std::size_t long_text = 100'000;

/// A statement as it was found, with its literals: planned, never shown.
struct Found {
  Planned planned;
  std::string text;
};

Found found_of(std::string text) {
  Found found;
  found.planned.query = normalise_statement(text);
  found.text = std::move(text);
  return found;
}

/// The costliest, or the named, of pg_stat_statements.
std::vector<Found> from_counters(PostgresConnection& connection, const Options& options) {
  std::vector<Found> all;
  const auto schema = connection.query(
      "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n "
      "ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'");
  if (schema.rows.empty()) return all;
  std::string wanted;
  for (const auto& id : options.query_id) {
    std::int64_t number = 0;
    if (std::from_chars(id.data(), id.data() + id.size(), number).ec != std::errc())
      throw Error(ErrorCode::usage, fmt::format("pool explain: '{}' is no query id", id),
                  "take one from: triage pool statements");
    wanted += fmt::format("{}{}", wanted.empty() ? "" : ",", number);
  }
  const auto rows = connection.query(fmt::format(
      "SELECT queryid::text, min(query), sum(calls)::bigint, sum(total_exec_time) / sum(calls), "
      "sum(rows)::float8 / sum(calls) FROM {}.pg_stat_statements "
      "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
      "AND queryid IS NOT NULL AND calls > 0 AND query ~* "
      "'^\\s*(select|insert|update|delete|with)' "
      "{} GROUP BY queryid ORDER BY sum(total_exec_time) DESC LIMIT {}",
      text_of(schema.rows[0][0]), wanted.empty() ? "" : "AND queryid IN (" + wanted + ")",
      std::max<std::int64_t>(options.top, 1)));
  for (const auto& row : rows.rows) {
    constexpr std::size_t columns = 5;
    if (row.size() < columns) continue;
    Found found = found_of(text_of(row[1]));
    found.planned.query_id = text_of(row[0]);
    found.planned.calls_count = integer_of(row[2]);
    found.planned.mean_ms = number_of(row[3]);
    found.planned.rows_per_call = number_of(row[4]);
    all.push_back(std::move(found));
  }
  return all;
}

/// What runs now, longest first.
std::vector<Found> from_activity(PostgresConnection& connection, const Options& options) {
  std::vector<Found> all;
  const auto rows = connection.query(
      fmt::format("SELECT max(query) FROM pg_stat_activity WHERE state = 'active' "
                  "AND datname = current_database() AND pid <> pg_backend_pid() "
                  "AND query ~* '^\\s*(select|insert|update|delete|with)' "
                  "GROUP BY coalesce(query_id::text, query) ORDER BY min(query_start) LIMIT {}",
                  std::max<std::int64_t>(options.top, 1)));
  for (const auto& row : rows.rows)
    if (!row.empty()) all.push_back(found_of(text_of(row[0])));
  return all;
}

std::vector<Found> find_statements(PostgresConnection& connection, const Options& options,
                                   Sample& sample) {
  std::vector<Found> all;
  for (const auto& text : options.query) all.push_back(found_of(text));
  if (!all.empty()) return all;
  all = attempt(sample.gaps, "plans", [&] {
          return from_counters(connection, options);
        }).value_or(std::vector<Found>());
  if (all.empty() && options.query_id.empty()) all = from_activity(connection, options);
  return all;
}

bool has_parameters(const std::string& text) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1))
    if (at + 1 < text.size() && text[at + 1] >= '1' && text[at + 1] <= '9') return true;
  return false;
}

/// The plan as JSON. The server takes one statement per message and plans it in a session that may
/// only read; EXPLAIN without ANALYZE does not run it.
std::string plan_of(PostgresConnection& connection, const std::string& text) {
  if (!has_parameters(text))
    return text_of(connection.query("EXPLAIN (FORMAT JSON, VERBOSE) " + text).rows.at(0).at(0));
  connection.query("SET plan_cache_mode = force_generic_plan");
  connection.query("PREPARE triage_plan AS " + text);
  std::vector<Gap> gone;
  try {
    const auto types = connection.query(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = "
        "'triage_plan'");
    const std::int64_t count = types.rows.empty() ? 0 : integer_of(types.rows[0].at(0));
    std::string nulls;
    for (std::int64_t i = 0; i < count; ++i) nulls += i == 0 ? "NULL" : ", NULL";
    const auto rows =
        connection.query(fmt::format("EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE triage_plan{}",
                                     count > 0 ? "(" + nulls + ")" : std::string()));
    attempt(gone, "plan", [&] { return connection.query("DEALLOCATE triage_plan"); });
    return text_of(rows.rows.at(0).at(0));
  } catch (const Error&) {
    attempt(gone, "plan", [&] { return connection.query("DEALLOCATE triage_plan"); });
    throw;
  }
}

/// Literals out of the conditions; the tables that are read, by schema.table.
void tidy(Json& node, std::set<std::pair<std::string, std::string>>& tables) {
  if (!node.is_object()) return;
  for (const auto& [key, value] : node.items())
    if (value.is_string() && (key.find("Cond") != std::string::npos || key == "Filter"))
      value = normalise_statement(value.get<std::string>(), 1000);
  node.erase("Output");
  if (node.contains("Relation Name"))
    tables.insert({node.value("Schema", ""), node.value("Relation Name", "")});
  if (node.contains("Plans"))
    for (auto& child : node["Plans"]) tidy(child, tables);
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

/// "{a,b}" of an array of names without special characters.
std::vector<std::string> names_of(const backends::Cell& cell) {
  std::vector<std::string> names;
  std::string text = text_of(cell);
  if (text.size() < 2) return names;
  text = text.substr(1, text.size() - 2);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::optional<TableFacts> read_table(PostgresConnection& connection, const std::string& schema,
                                     const std::string& name) {
  const auto rows = connection.query(fmt::format(
      "SELECT greatest(c.reltuples, 0)::bigint, s.n_live_tup, s.n_mod_since_analyze, "
      "extract(epoch FROM clock_timestamp() - greatest(s.last_analyze, s.last_autoanalyze)), "
      "(SELECT array_agg(attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid "
      "AND a.attnum > 0 AND NOT a.attisdropped)::text, "
      "(SELECT array_agg(DISTINCT a.attname::text) FROM pg_index i JOIN pg_attribute a "
      "ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisvalid "
      "AND i.indpred IS NULL)::text "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid "
      "WHERE n.nspname = {} AND c.relname = {}",
      quoted(schema), quoted(name)));
  if (rows.rows.empty()) return std::nullopt;
  const auto& row = rows.rows[0];
  TableFacts facts;
  facts.name = schema + "." + name;
  facts.rows_count = integer_of(row.at(0));
  facts.live_count = integer_of(row.at(1));
  facts.changed_count = integer_of(row.at(2));
  facts.analyzed_s = number_of(row.at(3));
  facts.columns = names_of(row.at(4));
  facts.indexed = names_of(row.at(5));
  return facts;
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  auto connected = backends::connect_postgres({options.db, options.connect_timeout}, session);
  if (!connected.connection)
    throw Error(ErrorCode::refused, connected.slots_full,
                "log in as a role that may use the reserved slots");
  PostgresConnection& connection = *connected.connection;
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = fmt::format("{}:{}/{}", connected.host, connected.port, connected.database);
  std::set<std::pair<std::string, std::string>> tables;
  for (auto& found : find_statements(connection, options, sample)) {
    session.progress("EXPLAIN " + found.planned.query);
    std::vector<Gap> refused;
    const auto text = attempt(refused, "plan", [&] { return plan_of(connection, found.text); });
    if (!text) found.planned.refused = refused.front().why;
    if (text && text->size() < long_text) {
      Json plan = parse_json(*text, "EXPLAIN");
      if (plan.is_array() && !plan.empty() && plan[0].contains("Plan")) {
        tidy(plan[0]["Plan"], tables);
        found.planned.plan = plan[0]["Plan"].dump();
      }
    }
    sample.statements.push_back(std::move(found.planned));
  }
  for (const auto& [schema, name] : tables) {
    const std::string in = schema;  // clang 14 captures no structured binding
    const std::string table = name;
    const auto facts =
        attempt(sample.gaps, "plans", [&] { return read_table(connection, in, table); });
    if (facts && *facts) sample.tables.push_back(**facts);
  }
  session.touch({"database session " + sample.target,
                 fmt::format("read-only, {} statements, EXPLAIN without ANALYZE",
                             connection.statements_count()),
                 1, 0});
  return sample;
}

}  // namespace triage::probes::pool_explain
