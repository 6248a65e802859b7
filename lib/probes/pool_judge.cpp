#include "lib/probes/pool_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/base/units.h"
#include "lib/probes/pool_queries.h"

namespace triage::probes::pool {
namespace {

constexpr double nearly_full = 0.8;
constexpr double full = 1.0;
/// From this share on, long statements starve the others (runbooks: evidence `long_statement`).
constexpr double long_share = 0.15;
constexpr double long_majority = 0.5;
constexpr std::int64_t long_chain = 5;

void judge_slots(const Sample& sample, Result& result) {
  Envelope& envelope = result.envelope;
  if (result.slots_full) {
    envelope.find(
        "slots_full", Severity::crit,
        fmt::format(
            "every connection slot is taken: the server answers \"{}\"{}", sample.slots_full,
            result.used_count ? fmt::format(" ({} backends by process title)", *result.used_count)
                              : std::string()));
  } else if (result.used_ratio.value_or(0) >= nearly_full) {
    envelope.find("slots_nearly_full", *result.used_ratio >= full ? Severity::crit : Severity::warn,
                  fmt::format("{} of {} usable connection slots are taken ({})", *result.used_count,
                              *result.usable_count, format_ratio(*result.used_ratio)));
  }
}

void judge_statements(const Options& options, Result& result) {
  if (result.long_count.value_or(0) == 0) return;
  const double limit = std::chrono::duration<double>(options.slow_after).count();
  for (const auto& statement : result.statements) {
    if (statement.state != "active" || statement.wait_type == "Lock" ||
        statement.oldest_age_s.value_or(0) < limit)
      continue;
    const double share = *result.long_ratio;
    Severity severity = Severity::info;
    if (share >= long_share) severity = share >= long_majority ? Severity::crit : Severity::warn;
    result.envelope.find(
        "long_statement", severity,
        fmt::format("{} of {} connections run statements for more than {}; the worst for {}: {}",
                    *result.long_count, *result.used_count, format_duration(limit),
                    format_duration(*statement.oldest_age_s), statement.query));
    return;
  }
}

void judge_waits(Result& result) {
  Envelope& envelope = result.envelope;
  if (result.parked_count.value_or(0) > 0)
    envelope.find("idle_in_transaction", Severity::warn,
                  fmt::format("{} connections sit idle in a transaction, the oldest for {}",
                              *result.parked_count,
                              format_duration(result.idle_in_transaction_oldest_s.value_or(0))));
  if (!result.blocking.empty()) {
    const Blocking& root = result.blocking.front();
    envelope.find("lock_chain", root.waiters_count >= long_chain ? Severity::crit : Severity::warn,
                  fmt::format("{} connections wait for locks behind backend {} ({}, {}): {}",
                              root.waiters_count, root.root_pid, root.root_application,
                              root.root_state, root.root_query));
  }
  if (result.deadlocks_count.value_or(0) > 0)
    envelope.find("deadlock", Severity::warn,
                  fmt::format("{} deadlocks while triage watched", *result.deadlocks_count));
}

/// Two causes that look like a slow database from inside the service and are not.
void judge_tcp(Result& result) {
  if (!result.tcp) return;
  if (result.tcp->stalled_count > 0)
    result.envelope.find(
        "network", Severity::warn,
        fmt::format("{} connections to the database repeat their data without an answer: the "
                    "network between, or a server that is frozen; cannot be told apart from here",
                    result.tcp->stalled_count));
  if (result.tcp->unread_count > 0)
    result.envelope.find(
        "answers_unread", Severity::warn,
        fmt::format("answers of the database wait unread on {} connections: the event loop of the "
                    "service is blocked, see triage lag",
                    result.tcp->unread_count));
}

/// "client_leak" -> "client leak"
std::string words_of(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

void judge_causes(Result& result) {
  for (const auto& cause : result.causes) {
    if (cause.name == "slots_taken")
      result.envelope.find("slots_taken", Severity::crit, cause.text);
    if (cause.name == "pgbouncer_queue")
      result.envelope.find("pgbouncer_queue", Severity::warn, cause.text);
    const bool by_pool = !cause.told_by.empty() && cause.told_by.front() == "inspector";
    if (!by_pool) continue;
    std::string text = fmt::format("pool exhausted, {}: {}", words_of(cause.name), cause.text);
    if (!cause.not_apart_from.empty()) {
      std::string others;
      for (const auto& other : cause.not_apart_from)
        others += (others.empty() ? "" : ", ") + words_of(other);
      text += "; cannot be told apart from: " + others;
    }
    result.envelope.find("pool_exhausted", Severity::crit, std::move(text));
  }
}

/// What all pools together may open, against what the server has.
void judge_sizes(Result& result) {
  if (!result.usable_count) return;
  std::int64_t most = 0;
  std::int64_t pools = 0;
  std::set<std::int64_t> processes;
  for (const auto& pool : result.app_pools) {
    const bool of_server =
        std::any_of(pool.clients.begin(), pool.clients.end(),
                    [](const AppClient& client) { return !client.transaction.empty(); });
    const bool postgres = pool.library == "pg-pool" || of_server;
    if (!postgres || !pool.max_count) continue;
    most += *pool.max_count;
    ++pools;
    processes.insert(pool.pid);
  }
  if (pools == 0) return;
  // Other processes here that talk to the same server have pools of their own, not looked into.
  std::int64_t others = 0;
  for (const auto& joined : result.joined)
    if (!processes.contains(joined.pid)) others += joined.connections_count;
  if (most + others <= *result.usable_count) return;
  result.envelope.find(
      "pools_exceed_slots", Severity::warn,
      fmt::format("the pools of {} processes may open {} connections, others here have {}: more "
                  "than the {} usable slots of the server",
                  processes.size(), most, others, *result.usable_count));
}

}  // namespace

void judge(const Options& options, const Sample& sample, Result& result) {
  judge_slots(sample, result);
  judge_statements(options, result);
  judge_waits(result);
  judge_tcp(result);
  judge_causes(result);
  judge_sizes(result);
  if (sample.visibility == "partial")
    result.envelope.find("partial", Severity::unknown,
                         "the role sees only its own sessions: what the others do is unknown");
  if (!result.used_count)
    result.envelope.find("not_counted", Severity::unknown, "the connections could not be counted");
}

void add_provenance(const Sample& sample, Result& result) {
  const auto add = [&](std::vector<std::string> figures, std::string source, std::string repeat) {
    result.envelope.provenance.push_back(
        {std::move(figures), std::move(source), sample.at, std::move(repeat)});
  };
  const bool titles = sample.visibility == "titles";
  add({"/used_count", "/by_application", "/by_user", "/by_address", "/by_state", "/statements",
       "/long_count", "/long_ratio", "/idle_in_transaction_count", "/idle_in_transaction_oldest_s",
       "/parked_count", "/parked_ratio", "/lock_waiters_count", "/blocking"},
      titles ? "process titles of the server's backends" : "pg_stat_activity",
      titles ? std::string("ps -eo pid,args | grep '[p]ostgres: '")
             : fmt::format("psql -c \"{}\"", activity_sql));
  add({"/max_count", "/reserved_count", "/usable_count", "/used_ratio"}, "current_setting()",
      fmt::format("psql -c \"{}\"", limits_sql));
  add({"/deadlocks_count", "/deadlocks_total_count"}, "pg_stat_database",
      fmt::format("psql -c \"{}\"", deadlocks_sql));
  add({"/tcp"}, "tcp_info by NETLINK_SOCK_DIAG, every 20 ms", "ss -tni");
  if (!result.app_walks.empty())
    add({"/app_pools", "/app_walks"}, "objects of the process, through its V8 inspector",
        fmt::format("triage pool --target {} --allow-inspector -o json", sample.target_pid));
  if (result.bouncer)
    add({"/bouncer"}, "SHOW POOLS, CLIENTS and SERVERS of pgbouncer",
        fmt::format("psql -h {} -p {} pgbouncer -c 'SHOW POOLS'",
                    result.bouncer->address.substr(0, result.bouncer->address.rfind(':')),
                    result.bouncer->port));
  add({"/causes"}, "rules over the figures of this document", "triage pool -o json");
  add({"/joined"}, "NETLINK_SOCK_DIAG joined with pg_stat_activity.client_port", "ss -tnp");
}

}  // namespace triage::probes::pool
