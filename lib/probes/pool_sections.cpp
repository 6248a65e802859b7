#include <fmt/format.h>

#include <algorithm>

#include "lib/base/units.h"
#include "lib/probes/pool.h"
#include "lib/v8/inspector.h"

namespace triage::probes::pool {
namespace {

constexpr std::size_t shown_rows = 8;

std::string count_text(const std::optional<std::int64_t>& count) {
  return or_unknown(count, [](std::int64_t value) { return format_count(value); });
}

std::string age_text(const std::optional<double>& age) {
  return or_unknown(age, [](double value) { return format_duration(value); });
}

Section slots_section(const Result& result) {
  std::string text = fmt::format(
      "{} of {} used ({} of {} reserved for administrators); long statements {}, idle in "
      "transaction {}, waiting for locks {}, deadlocks meanwhile {}",
      count_text(result.used_count), count_text(result.usable_count),
      count_text(result.reserved_count), count_text(result.max_count),
      count_text(result.long_count), count_text(result.idle_in_transaction_count),
      count_text(result.lock_waiters_count), count_text(result.deadlocks_count));
  return {"SLOTS", "seen by: " + result.visibility, {Paragraph{std::move(text)}}, false};
}

Section holders_section(const Result& result) {
  Table table{{{"held by", false, true},
               {"", false, false},
               {"connections", true, false},
               {"share", true, false}},
              {}};
  const auto add = [&](const char* kind, const std::vector<Share>& shares) {
    for (std::size_t i = 0; i < std::min(shown_rows, shares.size()); ++i)
      table.rows.push_back({shares[i].name, kind, format_count(shares[i].connections_count),
                            format_ratio(shares[i].ratio)});
  };
  add("application", result.by_application);
  add("role", result.by_user);
  add("address", result.by_address);
  add("state", result.by_state);
  return {"HOLDERS", "", {std::move(table)}, false};
}

Section statements_section(const Result& result) {
  Table table{{{"statement", false, true},
               {"state", false, false},
               {"conns", true, false},
               {"oldest", true, false},
               {"waits on", false, false}},
              {}};
  for (std::size_t i = 0; i < std::min(shown_rows, result.statements.size()); ++i) {
    const Statement& statement = result.statements[i];
    table.rows.push_back(
        {statement.query, statement.state, format_count(statement.connections_count),
         age_text(statement.oldest_age_s),
         statement.wait_type.empty() ? "-" : statement.wait_type + ":" + statement.wait_event});
  }
  return {"STATEMENTS", "most connection-seconds first", {std::move(table)}, false};
}

Section blocking_section(const Result& result) {
  Table table{{{"root", true, false},
               {"state", false, false},
               {"waiters", true, false},
               {"application", false, false},
               {"statement", false, true}},
              {}};
  for (const auto& root : result.blocking)
    table.rows.push_back({std::to_string(root.root_pid), root.root_state,
                          format_count(root.waiters_count), root.root_application,
                          root.root_query});
  return {"LOCK CHAINS", "", {std::move(table)}, false};
}

Section clients_section(const Result& result) {
  Table table{{{"process on this host", false, true}, {"connections", true, false}}, {}};
  for (std::size_t i = 0; i < std::min(shown_rows, result.joined.size()); ++i)
    table.rows.push_back(
        {result.joined[i].process, format_count(result.joined[i].connections_count)});
  return {"CLIENTS HERE", "", {std::move(table)}, false};
}

Section tcp_section(const Result& result) {
  const TcpView& tcp = *result.tcp;
  std::string text = fmt::format(
      "{} in flight (oldest {}), {} idle, {} unknown; {} repeat data without an answer, {} with "
      "unread answers; followed {}",
      tcp.in_flight_count, age_text(tcp.oldest_in_flight_s), tcp.idle_count, tcp.unknown_count,
      tcp.stalled_count, tcp.unread_count, format_duration(tcp.followed_s));
  if (tcp.agreement_ratio)
    text += fmt::format("; agrees with pg_stat_activity on {}", format_ratio(*tcp.agreement_ratio));
  if (tcp.answer_p50_s)
    text +=
        fmt::format("; answers took p50 {}, p95 {}, p99 {}, longest {} ({} of {} requests timed)",
                    format_duration(*tcp.answer_p50_s), format_duration(*tcp.answer_p95_s),
                    format_duration(*tcp.answer_p99_s), format_duration(*tcp.answer_max_s),
                    tcp.timed_count, tcp.requests_count);
  return {"CONNECTIONS HERE", "by tcp_info", {Paragraph{std::move(text)}}, false};
}

std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + words_of(name);
  return text;
}

Section causes_section(const Result& result) {
  Items items;
  for (const auto& cause : result.causes) {
    std::vector<std::string> notes{"told by " + list_of(cause.told_by)};
    if (!cause.not_apart_from.empty())
      notes.push_back("cannot be told apart from: " + list_of(cause.not_apart_from));
    items.items.push_back({words_of(cause.name) + ": " + cause.text, std::move(notes), {}});
  }
  return {"CAUSES", "", {std::move(items)}, false};
}

std::string timeout_text(const std::optional<std::int64_t>& ms) {
  if (ms && *ms == 0) return "none";
  return or_unknown(
      ms, [](std::int64_t value) { return format_duration(static_cast<double>(value) / 1000); });
}

Section pools_section(const Result& result) {
  Table table{{{"pool", false, true},
               {"max", true, false},
               {"out", true, false},
               {"idle", true, false},
               {"waiting", true, false},
               {"acquire limit", true, false},
               {"longest out", true, false}},
              {}};
  for (const auto& pool : result.app_pools) {
    std::string name = fmt::format("{} of {}", pool.library, pool.pid);
    if (!pool.server.empty()) name += " to " + pool.server;
    std::string longest = "-";
    if (!pool.clients.empty() && pool.clients.front().held_s)
      longest = (pool.clients.front().held_exactly ? "" : ">= ") +
                format_duration(*pool.clients.front().held_s);
    table.rows.push_back({std::move(name), count_text(pool.max_count),
                          format_count(pool.checked_out_count), format_count(pool.idle_count),
                          format_count(pool.waiting_count), timeout_text(pool.acquire_timeout_ms),
                          std::move(longest)});
  }
  double pause_ms = 0;
  for (const auto& walk : result.app_walks) pause_ms = std::max(pause_ms, walk.pause_ms);
  return {"POOLS OF THE APPLICATION",
          fmt::format("by its own objects; longest pause {}", format_duration(pause_ms / 1000)),
          {std::move(table)},
          false};
}

Section bouncer_section(const Bouncer& bouncer) {
  Table table{{{"pool", false, true},
               {"mode", false, false},
               {"clients", true, false},
               {"waiting", true, false},
               {"longest", true, false},
               {"servers", true, false},
               {"idle", true, false}},
              {}};
  for (std::size_t i = 0; i < std::min(shown_rows, bouncer.pools.size()); ++i) {
    const BouncerPool& pool = bouncer.pools[i];
    table.rows.push_back(
        {pool.database + "/" + pool.user, pool.mode, format_count(pool.clients_active_count),
         format_count(pool.clients_waiting_count), format_duration(pool.longest_wait_s),
         format_count(pool.servers_active_count), format_count(pool.servers_idle_count)});
  }
  return {"PGBOUNCER", bouncer.address, {std::move(table)}, false};
}

Section sources_section(const Result& result) {
  Table table{{{"looked at", false, false}, {"accuracy", false, true}}, {}};
  for (const auto& source : result.sources) table.rows.push_back({source.name, source.accuracy});
  return {"ACCURACY", "", {std::move(table)}, true};
}

}  // namespace

Help help() {
  return {
      "Asks PostgreSQL who holds its connection slots: by application, role, address and state, "
      "with the statements that hold them longest, transactions that sit idle, lock chains to "
      "their root and deadlocks; and which process of this host is behind each connection. One "
      "read-only session with short timeouts. When every slot is taken it says so and counts "
      "the backends by their process titles. A role with pg_monitor sees everything; a plain "
      "role sees only its own sessions, and the report says so. The password is never printed.",
      {{"triage pool --db service=orders", "who holds the slots; from pg_service.conf"},
       {"triage pool --db postgres://triage@db:5432/orders --target port:3000",
        "joined with the process that listens on port 3000"},
       {"triage pool --db service=orders --target port:3000 --allow-inspector",
        "with the pools of the application itself: why they give no connection"},
       {"PGHOST=db PGUSER=triage triage pool -o json", "PG* variables work as in psql"}}};
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
  visitor.visit(
      {"target", "join only the connections of this process", "TARGET", {}, false, true, 0},
      options.target);
  visitor.visit({"pgbouncer",
                 "admin console of a pgbouncer between service and server",
                 "URI",
                 {},
                 false,
                 false,
                 0},
                options.pgbouncer);
  visitor.visit(
      {"slow-after", "age from which a statement counts as long", "DURATION", {}, false, false, 0},
      options.slow_after);
  visitor.visit({"samples", "how often pg_stat_activity is read", "N", {}, false, false, 0},
                options.samples);
  visitor.visit({"interval", "time between samples", "DURATION", {}, false, false, 0},
                options.interval);
  visitor.visit({"duration",
                 "watch so long instead of --samples; times what is answered meanwhile",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.duration);
  visitor.visit({"source",
                 "use only this way of looking; may be repeated",
                 "NAME",
                 {"inspector", "views", "titles", "tcp"},
                 false,
                 false,
                 0},
                options.source);
  visitor.visit(
      {"allow-inspector", std::string(v8::inspector_consent_help), "", {}, false, false, 0},
      options.allow_inspector);
  visitor.visit({"pause-budget",
                 "longest pause of the target for a piece of the walk",
                 "DURATION",
                 {},
                 false,
                 false,
                 0},
                options.pause_budget);
  visitor.visit({"connect-timeout", "limit of the login", "DURATION", {}, false, false, 0},
                options.connect_timeout);
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  std::vector<Section> all;
  if (!result.causes.empty()) all.push_back(causes_section(result));
  if (!result.app_pools.empty()) all.push_back(pools_section(result));
  if (result.bouncer) all.push_back(bouncer_section(*result.bouncer));
  all.push_back(slots_section(result));
  if (!result.blocking.empty()) all.push_back(blocking_section(result));
  if (!result.statements.empty()) all.push_back(statements_section(result));
  if (!result.by_state.empty()) all.push_back(holders_section(result));
  if (!result.joined.empty()) all.push_back(clients_section(result));
  if (result.tcp) all.push_back(tcp_section(result));
  if (!result.sources.empty()) all.push_back(sources_section(result));
  return all;
}

}  // namespace triage::probes::pool
