#include "lib/probes/pool_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lib/base/json.h"
#include "lib/base/units.h"

namespace triage::probes::pool_explain {
namespace {

/// A sequential scan of fewer rows is what the planner rightly chooses.
constexpr std::int64_t large_table = 10'000;
/// An index pays when it gives a small part of the table.
constexpr double selective = 0.05;
constexpr double wrong_estimate = 10;
constexpr double stale_share = 0.2;

using Tables = std::map<std::string, const TableFacts*>;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Whether the condition compares the column; "n.id = 1" and "id = 1" do.
bool names_column(const std::string& condition, const std::string& column) {
  for (std::size_t at = condition.find(column); at != std::string::npos;
       at = condition.find(column, at + 1)) {
    const std::size_t end = at + column.size();
    const bool begins = at == 0 || !is_word(condition[at - 1]);
    if (begins && (end == condition.size() || !is_word(condition[end]))) return true;
  }
  return false;
}

void add_scans(const Json& node, const Tables& tables, std::vector<Scan>& scans) {
  if (!node.is_object()) return;
  if (node.contains("Relation Name")) {
    Scan scan;
    scan.node = node.value("Node Type", "");
    scan.table = node.value("Schema", "") + "." + node.value("Relation Name", "");
    scan.index = node.value("Index Name", "");
    scan.filter = node.value("Filter", "");
    scan.rows = node.value("Plan Rows", 0.0);
    if (const auto table = tables.find(scan.table); table != tables.end())
      scan.table_rows_count = table->second->rows_count;
    scans.push_back(std::move(scan));
  }
  if (node.contains("Plans"))
    for (const auto& child : node["Plans"]) add_scans(child, tables, scans);
}

/// Columns of the condition that no index begins with.
std::vector<std::string> unindexed(const Scan& scan, const TableFacts& table) {
  std::vector<std::string> columns;
  for (const auto& column : table.columns) {
    if (!names_column(scan.filter, column)) continue;
    if (std::find(table.indexed.begin(), table.indexed.end(), column) != table.indexed.end())
      return {};  // there is one, and the planner does not want it
    columns.push_back(column);
  }
  return columns;
}

void hint_indexes(const Tables& tables, Plan& plan) {
  for (const auto& scan : plan.scans) {
    const auto table = tables.find(scan.table);
    const bool whole = scan.node.find("Seq Scan") != std::string::npos;
    if (!whole || scan.filter.empty() || table == tables.end()) continue;
    if (scan.table_rows_count < large_table ||
        scan.rows > selective * static_cast<double>(scan.table_rows_count))
      continue;
    const auto columns = unindexed(scan, *table->second);
    if (columns.empty()) continue;
    plan.hints.push_back(fmt::format(
        "{} reads all {} rows of {} to find {}: CREATE INDEX CONCURRENTLY ON {} ({});", scan.node,
        format_count(scan.table_rows_count), scan.table,
        format_count(static_cast<std::int64_t>(scan.rows)), scan.table, fmt::join(columns, ", ")));
  }
}

void hint_statistics(const Tables& tables, Plan& plan) {
  for (const auto& scan : plan.scans) {
    const auto table = tables.find(scan.table);
    if (table == tables.end()) continue;
    const TableFacts& facts = *table->second;
    const bool stale =
        static_cast<double>(facts.changed_count) >
        stale_share * static_cast<double>(std::max<std::int64_t>(facts.rows_count, 1));
    if (facts.live_count < large_table || !(stale || !facts.analyzed_s)) continue;
    std::string hint = fmt::format(
        "the planner believes that {} has {} rows, {} were counted and {} changed since its "
        "statistics were taken: ANALYZE {};",
        facts.name, format_count(facts.rows_count), format_count(facts.live_count),
        format_count(facts.changed_count), facts.name);
    if (std::find(plan.hints.begin(), plan.hints.end(), hint) == plan.hints.end())
      plan.hints.push_back(std::move(hint));
  }
}

Plan plan_of(const Planned& statement, const Tables& tables) {
  Plan plan;
  plan.query_id = statement.query_id;
  plan.query = statement.query;
  plan.calls_count = statement.calls_count;
  plan.mean_ms = statement.mean_ms;
  plan.rows_per_call = statement.rows_per_call;
  plan.refused = statement.refused;
  const Json node = Json::parse(statement.plan, nullptr, false);
  if (!node.is_object()) return plan;
  plan.cost = node.value("Total Cost", 0.0);
  plan.rows = node.value("Plan Rows", 0.0);
  // A statement that only changes rows gives none by its plan.
  const bool gives_rows = node.value("Node Type", "") != "ModifyTable";
  if (plan.rows_per_call && gives_rows) {
    const double counted = std::max(*plan.rows_per_call, 1.0);
    const double expected = std::max(*plan.rows, 1.0);
    plan.misestimate_ratio = std::max(counted, expected) / std::min(counted, expected);
  }
  add_scans(node, tables, plan.scans);
  hint_indexes(tables, plan);
  hint_statistics(tables, plan);
  return plan;
}

void judge(Result& result) {
  Envelope& envelope = result.envelope;
  if (result.plans.empty())
    envelope.find("no_statement", Severity::unknown,
                  "there was no statement to plan: none was named, none is counted, none runs");
  for (const auto& plan : result.plans) {
    if (!plan.refused.empty())
      envelope.find("no_plan", Severity::unknown,
                    fmt::format("\"{}\" was not planned: {}", plan.query, plan.refused));
    for (const auto& hint : plan.hints)
      envelope.find(
          hint.find("CREATE INDEX") != std::string::npos ? "missing_index" : "stale_table",
          Severity::warn, fmt::format("\"{}\": {}", plan.query, hint));
    if (plan.misestimate_ratio.value_or(1) >= wrong_estimate)
      envelope.find(
          "misestimate", Severity::warn,
          fmt::format("\"{}\": the planner expects {:.0f} rows, it gives {:.1f} a call "
                      "({:.0f} times off): the rest of its plan may be wrong as well",
                      plan.query, *plan.rows, *plan.rows_per_call, *plan.misestimate_ratio));
  }
}

}  // namespace

Help help() {
  return {
      "Plans statements with EXPLAIN, never with ANALYZE: they are not run. Names sequential scans "
      "of large tables for few rows, with the index that is missing, statistics that are out of "
      "date, and estimates that are far from the rows that were counted. Without --query the "
      "costliest of pg_stat_statements are planned, or what runs now.",
      {{"triage pool explain --db service=orders", "the five costliest statements"},
       {"triage pool explain --db service=orders --query 'SELECT * FROM orders WHERE customer = 7'",
        "one statement"},
       {"triage pool explain --db service=orders --query-id -1234567890",
        "one that triage pool statements has named"}}};
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
  visitor.visit({"query", "statement to plan; may be repeated", "SQL", {}, false, false, 0},
                options.query);
  visitor.visit({"query-id", "of pg_stat_statements; may be repeated", "ID", {}, false, false, 0},
                options.query_id);
  visitor.visit({"top", "how many of the costliest", "N", {}, false, false, 0}, options.top);
  visitor.visit(
      {"connect-timeout", "how long to wait for the login", "DURATION", {}, false, false, 0},
      options.connect_timeout);
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  Tables tables;
  for (const auto& table : sample.tables) tables[table.name] = &table;
  for (const auto& statement : sample.statements)
    result.plans.push_back(plan_of(statement, tables));
  judge(result);
  result.envelope.provenance.push_back({{"/plans"},
                                        "EXPLAIN (FORMAT JSON), pg_stat_statements, pg_class, "
                                        "pg_stat_all_tables",
                                        sample.at,
                                        "psql -c \"EXPLAIN (VERBOSE) SELECT ...\""});
  return result;
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  int number = 0;
  for (const auto& plan : result.plans) {
    std::string text = plan.query;
    if (plan.calls_count)
      text += fmt::format("; {} calls, {:.2f} ms each", format_count(*plan.calls_count),
                          plan.mean_ms.value_or(0));
    std::vector<Block> blocks{Paragraph{std::move(text)}};
    if (!plan.refused.empty()) blocks.emplace_back(Paragraph{"no plan: " + plan.refused});
    if (!plan.scans.empty()) {
      Table table{{{"scan", false, false},
                   {"table", false, false},
                   {"of rows", true, false},
                   {"expects", true, false},
                   {"condition or index", false, true}},
                  {}};
      for (const auto& scan : plan.scans)
        table.rows.push_back({scan.node, scan.table, format_count(scan.table_rows_count),
                              format_count(static_cast<std::int64_t>(scan.rows)),
                              scan.index.empty() ? scan.filter : scan.index});
      blocks.emplace_back(std::move(table));
    }
    if (plan.cost)
      blocks.emplace_back(Paragraph{fmt::format(
          "cost {:.0f}, expects {:.0f} rows{}", *plan.cost, *plan.rows,
          plan.rows_per_call ? fmt::format(", {:.1f} were counted per call", *plan.rows_per_call)
                             : std::string())});
    if (!plan.hints.empty()) {
      Items items;
      for (const auto& hint : plan.hints) items.items.push_back({hint, {}, {}});
      blocks.emplace_back(std::move(items));
    }
    all.push_back({fmt::format("PLAN {}", ++number), plan.query_id, std::move(blocks), false});
  }
  return all;
}

}  // namespace triage::probes::pool_explain
