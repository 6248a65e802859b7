#include "lib/probes/pool_causes_app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lib/base/units.h"

namespace triage::probes::pool {
namespace {

/// Above its mean need a pool wants room for bursts.
constexpr double headroom = 1.3;
/// With statements in flight for less of the hold time a larger pool would only hide the rest.
constexpr double working_share = 0.5;

/// What the checked-out connections of a pool do, with what the server says where it knows them.
struct Use {
  std::int64_t held = 0;         ///< no statement, no transaction
  std::int64_t stayed = 0;       ///< of them the same check-out all the time
  std::int64_t transaction = 0;  ///< no statement, transaction open
  std::int64_t locked = 0;       ///< the statement waits for a lock
  std::int64_t slow = 0;         ///< the statement is older than slow_after
  std::int64_t working = 0;      ///< another statement
  double held_s = 0;             ///< longest
  double transaction_s = 0;
  double statement_s = 0;
  bool server_knows = false;
  std::string statement;  ///< of the oldest
};

Use use_of(const AppPool& pool, const std::map<std::int64_t, const Backend*>& backends,
           double slow_s) {
  Use use;
  for (const auto& client : pool.clients) {
    const auto found = backends.find(client.backend_pid.value_or(0));
    const Backend* backend = found == backends.end() ? nullptr : found->second;
    if (backend != nullptr) use.server_knows = true;
    // The server's clock began before ours.
    const double state_s =
        std::max(client.stayed ? client.held_s.value_or(0) : 0.0,
                 backend != nullptr && client.stayed ? backend->state_age_s.value_or(0) : 0.0);
    if (client.statement.empty()) {
      if (client.transaction == "T" || client.transaction == "E") {
        ++use.transaction;
        use.transaction_s = std::max(use.transaction_s, state_s);
      } else {
        ++use.held;
        if (client.stayed) ++use.stayed;
        use.held_s = std::max(use.held_s, state_s);
      }
      continue;
    }
    if (backend != nullptr && backend->wait_type == "Lock") {
      ++use.locked;
      continue;
    }
    const double age_s =
        backend != nullptr && backend->state == "active" ? backend->query_age_s.value_or(0) : 0;
    if (age_s > use.statement_s || use.statement.empty()) use.statement = client.statement;
    use.statement_s = std::max(use.statement_s, age_s);
    ++(age_s >= slow_s ? use.slow : use.working);
  }
  return use;
}

std::string pool_text(const AppPool& pool) {
  std::string text = fmt::format("{} of process {}", pool.library, pool.pid);
  if (!pool.server.empty()) text += " to " + pool.server;
  return fmt::format("{}: {} of {} connections are out and {} requests wait", text,
                     pool.checked_out_count, pool.max_count.value_or(pool.total_count),
                     pool.waiting_count);
}

std::vector<std::string> told_by(const Use& use) {
  std::vector<std::string> sources{"inspector"};
  if (use.server_knows) sources.emplace_back("pg_stat_activity");
  return sources;
}

Cause held_cause(const AppPool& pool, const Use& use, double slow_s) {
  const std::string out = pool_text(pool);
  if (use.stayed < use.held || pool.returned_count.value_or(0) > 0)
    return {"held_between_statements",
            fmt::format("{}; they do come back, but {:.0f} % of the time they are out no statement "
                        "runs: the code awaits something else while it holds them",
                        out, 100 * (1 - pool.statement_ratio.value_or(0))),
            told_by(use),
            {}};
  const std::string what = fmt::format(
      "{}; {} of those have neither a statement nor a transaction and none came back in {}, the "
      "longest out for at least {}",
      out, use.held, format_duration(pool.watched_s), format_duration(use.held_s));
  if (use.held_s >= slow_s) return {"client_leak", what, told_by(use), {}};
  return {"client_leak", what, told_by(use), {"held_between_statements"}};
}

Cause lock_cause(const AppPool& pool, const Use& use, const Result& result) {
  std::string text = fmt::format("{}; {} statements wait for locks", pool_text(pool), use.locked);
  if (!result.blocking.empty()) {
    const Blocking& root = result.blocking.front();
    const bool own =
        std::any_of(pool.clients.begin(), pool.clients.end(),
                    [&](const AppClient& client) { return client.backend_pid == root.root_pid; });
    text += fmt::format(" behind backend {} ({}), which {}", root.root_pid, root.root_state,
                        own ? "is a connection of the same pool" : "is not of this pool");
  }
  return {"lock_chain", std::move(text), {"inspector", "pg_stat_activity"}, {}};
}

Cause undersized_cause(const AppPool& pool, const Use& use, const Result& result) {
  std::string text = pool_text(pool) + "; all of them work and statements are short";
  if (const auto sizing = size_of(pool)) {
    text += fmt::format(
        "; {:.1f} check-outs per second x {} held (statement {}) x {} for bursts: {} connections",
        sizing->arrivals_per_s, format_duration(sizing->hold_s), format_duration(sizing->service_s),
        headroom, sizing->connections_count);
    if (result.usable_count && result.used_count) {
      const std::int64_t more = sizing->connections_count - pool.max_count.value_or(0);
      const std::int64_t free = *result.usable_count - *result.used_count;
      text += more <= free ? fmt::format(" ({} slots are free)", free)
                           : fmt::format(", but only {} slots are free", free);
    }
  }
  return {"undersized", std::move(text), told_by(use), {}};
}

Cause cause_of(const Options& options, const AppPool& pool, const Use& use, const Result& result) {
  const double slow_s = std::chrono::duration<double>(options.slow_after).count();
  const std::int64_t out =
      std::max<std::int64_t>(use.held + use.transaction + use.locked + use.slow + use.working, 1);
  if (use.locked > 0 && 2 * (use.locked + use.transaction) >= out)
    return lock_cause(pool, use, result);
  if (2 * use.transaction >= out)
    return {"idle_in_transaction",
            fmt::format("{}; {} of those sit idle in a transaction, the longest for at least {}",
                        pool_text(pool), use.transaction, format_duration(use.transaction_s)),
            told_by(use),
            {}};
  if (2 * use.held >= out) return held_cause(pool, use, slow_s);
  if (2 * use.slow >= out)
    return {"slow_statement",
            fmt::format("{}; {} of those run a statement for more than {}, the oldest for {}: {}",
                        pool_text(pool), use.slow, format_duration(slow_s),
                        format_duration(use.statement_s), use.statement),
            told_by(use),
            {}};
  Cause cause = undersized_cause(pool, use, result);
  const auto sizing = size_of(pool);
  if (sizing && sizing->service_s < working_share * sizing->hold_s) {
    cause.name = "held_between_statements";
    cause.text += "; most of the hold time no statement runs, a larger pool would only hide it";
  }
  if (!use.server_knows) cause.not_apart_from = {"slow_statement", "lock_chain", "pgbouncer_queue"};
  return cause;
}

}  // namespace

bool is_exhausted(const AppPool& pool) {
  if (pool.waiting_count == 0 || pool.idle_count > 0) return false;
  if (pool.max_count && pool.checked_out_count < *pool.max_count) return false;
  return 2 * pool.looks_waiting_count > pool.looks_count;
}

std::optional<Sizing> size_of(const AppPool& pool) {
  if (!pool.returned_count || *pool.returned_count == 0 || pool.watched_s <= 0) return std::nullopt;
  Sizing sizing;
  const double returned_per_s = static_cast<double>(*pool.returned_count) / pool.watched_s;
  sizing.arrivals_per_s =
      returned_per_s +
      static_cast<double>(std::max<std::int64_t>(pool.waiting_growth_count, 0)) / pool.watched_s;
  sizing.hold_s = pool.checked_out_mean / returned_per_s;
  sizing.service_s = sizing.hold_s * pool.statement_ratio.value_or(0);
  sizing.connections_count = std::max(
      static_cast<std::int64_t>(std::ceil(sizing.arrivals_per_s * sizing.hold_s * headroom)),
      pool.max_count.value_or(0) + 1);
  return sizing;
}

std::vector<Cause> causes_of_pools(const Options& options, const Sample& sample,
                                   const Result& result) {
  std::map<std::int64_t, const Backend*> backends;
  if (sample.visibility == "all")
    for (const auto& backend : sample.backends) backends[backend.pid] = &backend;
  std::vector<Cause> causes;
  for (const auto& pool : sample.app_pools) {
    if (!is_exhausted(pool)) continue;
    const double slow_s = std::chrono::duration<double>(options.slow_after).count();
    causes.push_back(cause_of(options, pool, use_of(pool, backends, slow_s), result));
  }
  return causes;
}

}  // namespace triage::probes::pool
