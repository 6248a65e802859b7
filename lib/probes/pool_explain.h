#pragma once

/// `triage pool explain`: the plans of statements, without running them. EXPLAIN only, never
/// ANALYZE: a statement that hurts would hurt once more.
///
/// Statements come from the command line, or the costliest of pg_stat_statements, or those that run
/// now. A text with parameters ($1) is prepared and its generic plan is shown. What a plan expects
/// is held against what pg_stat_statements has counted.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::pool_explain {

struct Options {
  std::string db;
  std::vector<std::string> query;     ///< texts; empty: the costliest
  std::vector<std::string> query_id;  ///< of pg_stat_statements
  std::int64_t top = 5;
  std::chrono::milliseconds connect_timeout{5000};
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct Planned {
  std::string query_id;
  std::string query;  ///< literals replaced
  std::optional<std::int64_t> calls_count;
  std::optional<double> mean_ms;
  std::optional<double> rows_per_call;  ///< counted by the server
  std::string plan;                     ///< JSON of EXPLAIN, literals replaced; empty: none
  std::string refused;                  ///< the server's words when it gave none
};

/// A table that a plan reads, with what the planner believes of it.
struct TableFacts {
  std::string name;                  ///< schema.table
  std::int64_t rows_count = 0;       ///< reltuples: what the planner believes
  std::int64_t live_count = 0;       ///< n_live_tup: what was counted
  std::int64_t changed_count = 0;    ///< since the last ANALYZE
  std::optional<double> analyzed_s;  ///< since the last ANALYZE; null: never
  std::vector<std::string> columns;
  std::vector<std::string> indexed;  ///< leading columns of its indexes
};

struct Sample {
  std::string at;
  std::string target;
  std::vector<Planned> statements;
  std::vector<TableFacts> tables;
  std::vector<Gap> gaps;
};

/// One scan of a table in a plan.
struct Scan {
  std::string node;  ///< "Seq Scan", "Index Scan"
  std::string table;
  std::string index;  ///< empty for a sequential scan
  std::string filter;
  double rows = 0;  ///< estimated, after the filter
  std::int64_t table_rows_count = 0;
};

struct Plan {
  std::string query_id;
  std::string query;
  std::optional<double> cost;               ///< of the planner, in its own unit
  std::optional<double> rows;               ///< estimated, of the whole statement
  std::optional<double> rows_per_call;      ///< counted
  std::optional<double> misestimate_ratio;  ///< the larger of the two through the smaller
  std::optional<double> mean_ms;
  std::optional<std::int64_t> calls_count;
  std::vector<Scan> scans;
  std::vector<std::string> hints;  ///< each with the statement that would help
  std::string refused;
};

struct Result {
  Envelope envelope;
  std::vector<Plan> plans;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Planned* /*tag*/) {
  visit("query_id", self.query_id, "queryid as text, or empty");
  visit("query", self.query, "literals replaced");
  visit("calls_count", self.calls_count, "calls; null without pg_stat_statements");
  visit("mean_ms", self.mean_ms, "mean execution time");
  visit("rows_per_call", self.rows_per_call, "rows a call");
  visit("plan", self.plan, "EXPLAIN (FORMAT JSON), literals replaced");
  visit("refused", self.refused, "why there is no plan");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TableFacts* /*tag*/) {
  visit("name", self.name, "schema.table");
  visit("rows_count", self.rows_count, "reltuples");
  visit("live_count", self.live_count, "n_live_tup");
  visit("changed_count", self.changed_count, "n_mod_since_analyze");
  visit("analyzed_s", self.analyzed_s, "since the last ANALYZE; null: never");
  visit("columns", self.columns, "its columns");
  visit("indexed", self.indexed, "leading columns of its indexes");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "the database");
  visit("statements", self.statements, "with their plans");
  visit("tables", self.tables, "that the plans read");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Scan* /*tag*/) {
  visit("node", self.node, "kind of scan");
  visit("table", self.table, "schema.table");
  visit("index", self.index, "index that is used, or empty");
  visit("filter", self.filter, "condition that no index helps with, literals replaced");
  visit("rows", self.rows, "estimated rows after the filter");
  visit("table_rows_count", self.table_rows_count, "rows of the table as the planner believes");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Plan* /*tag*/) {
  visit("query_id", self.query_id, "queryid as text, or empty");
  visit("query", self.query, "literals replaced");
  visit("cost", self.cost, "total cost in the planner's unit; null without a plan");
  visit("rows", self.rows, "rows that the planner expects");
  visit("rows_per_call", self.rows_per_call, "rows that were counted, per call");
  visit("misestimate_ratio", self.misestimate_ratio, "larger through smaller of the two");
  visit("mean_ms", self.mean_ms, "mean execution time");
  visit("calls_count", self.calls_count, "calls");
  visit("scans", self.scans, "tables that are read, in the order of the plan");
  visit("hints", self.hints, "what would help");
  visit("refused", self.refused, "why there is no plan, or empty");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("plans", self.plans, "by statement, most time first");
}

}  // namespace triage::probes::pool_explain
