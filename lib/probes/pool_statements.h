#pragma once

/// `triage pool statements`: what each statement cost the database in a window, by two readings of
/// pg_stat_statements whose counters are never reset, and which statements run once per row that
/// another gave (N+1).
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::pool_statements {

struct Options {
  std::string db;
  std::chrono::milliseconds duration{10000};
  std::int64_t top = 10;
  std::chrono::milliseconds connect_timeout{5000};
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// Counters of one statement, as pg_stat_statements gives them.
struct Counters {
  std::string query_id;
  std::string query;  ///< literals replaced
  std::int64_t calls_count = 0;
  std::int64_t rows_count = 0;
  double total_ms = 0;
  std::int64_t blocks_read_count = 0;  ///< shared blocks that were not in the cache
  std::int64_t blocks_hit_count = 0;
  std::int64_t temporary_blocks_count = 0;  ///< written, for sorts and hashes beyond work_mem
};

struct Sample {
  std::string at;
  std::string target;
  double window_s = 0;
  bool installed = true;  ///< false: the extension is not in this database
  bool partial = false;   ///< the role sees the texts of its own statements only
  std::string reset_before;
  std::string reset_after;
  std::vector<Counters> before;
  std::vector<Counters> after;
  std::vector<Gap> gaps;
};

struct Statement {
  std::string query_id;
  std::string query;
  std::int64_t calls_count = 0;
  double calls_per_s = 0;
  double mean_ms = 0;
  double time_ratio = 0;  ///< of the time of all statements in the window, 0..1
  double busy_mean = 0;   ///< sessions that it keeps busy: calls a second times mean time
  double rows_per_call = 0;
  std::optional<double> cache_ratio;  ///< blocks found in shared buffers, 0..1
  std::int64_t temporary_blocks_count = 0;
};

/// `child` is called about once per row that `parent` gives.
struct RowByRow {
  std::string parent_id;
  std::string parent;
  std::int64_t parent_calls_count = 0;
  std::string child_id;
  std::string child;
  double calls_per_parent = 0;  ///< N
  double child_ms = 0;          ///< time that the child took in all
};

struct Result {
  Envelope envelope;
  double window_s = 0;
  std::vector<Statement> statements;  ///< most time first
  std::vector<RowByRow> row_by_row;
  std::optional<double> busy_mean;  ///< of all statements
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Counters* /*tag*/) {
  visit("query_id", self.query_id, "queryid as text");
  visit("query", self.query, "literals replaced");
  visit("calls_count", self.calls_count, "calls");
  visit("rows_count", self.rows_count, "rows");
  visit("total_ms", self.total_ms, "total_exec_time");
  visit("blocks_read_count", self.blocks_read_count, "shared_blks_read");
  visit("blocks_hit_count", self.blocks_hit_count, "shared_blks_hit");
  visit("temporary_blocks_count", self.temporary_blocks_count, "temp_blks_written");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("at", self.at, "when it was read");
  visit("target", self.target, "the database");
  visit("window_s", self.window_s, "between the two readings");
  visit("installed", self.installed, "pg_stat_statements is there");
  visit("partial", self.partial, "the role sees its own texts only");
  visit("reset_before", self.reset_before, "stats_reset at the first reading");
  visit("reset_after", self.reset_after, "stats_reset at the second");
  visit("before", self.before, "first reading");
  visit("after", self.after, "second reading");
  visit("gaps", self.gaps, "what could not be read");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Statement* /*tag*/) {
  visit("query_id", self.query_id, "queryid as text");
  visit("query", self.query, "literals replaced");
  visit("calls_count", self.calls_count, "calls in the window");
  visit("calls_per_s", self.calls_per_s, "calls a second");
  visit("mean_ms", self.mean_ms, "mean execution time");
  visit("time_ratio", self.time_ratio, "of the time of all statements, 0..1");
  visit("busy_mean", self.busy_mean, "sessions that it keeps busy");
  visit("rows_per_call", self.rows_per_call, "rows a call");
  visit("cache_ratio", self.cache_ratio, "blocks found in shared buffers, 0..1; null without any");
  visit("temporary_blocks_count", self.temporary_blocks_count, "blocks written to disk for sorts");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const RowByRow* /*tag*/) {
  visit("parent_id", self.parent_id, "queryid of the statement that gives the rows");
  visit("parent", self.parent, "its text");
  visit("parent_calls_count", self.parent_calls_count, "its calls in the window");
  visit("child_id", self.child_id, "queryid of the statement that is called per row");
  visit("child", self.child, "its text");
  visit("calls_per_parent", self.calls_per_parent, "calls of the child per call of the parent");
  visit("child_ms", self.child_ms, "time of the child in the window");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("window_s", self.window_s, "length of the window");
  visit("statements", self.statements, "most time first");
  visit("row_by_row", self.row_by_row, "statements that run once per row of another");
  visit("busy_mean", self.busy_mean, "sessions kept busy by all statements");
}

}  // namespace triage::probes::pool_statements
