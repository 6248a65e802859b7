#include "lib/probes/pool_causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lib/base/units.h"
#include "lib/probes/pool.h"
#include "lib/probes/pool_causes_app.h"

namespace triage::probes::pool {
namespace {

constexpr const char* views = "pg_stat_activity";
constexpr const char* titles = "process titles";
constexpr const char* tcp = "tcp_info";
/// Share of the slots from which one application can be said to have taken them.
constexpr double taken_share = 0.5;
constexpr double nearly_full = 0.9;

/// The backends that the service holds: those of the target where one was named and its
/// connections are known, else those of the application that has most.
std::vector<const Backend*> subject(const Sample& sample, std::string& name) {
  std::set<std::int64_t> ports;
  for (const auto& client : sample.clients)
    if (sample.target_pid != 0) ports.insert(client.port);
  std::set<std::int64_t> pids;
  for (const auto& pool : sample.app_pools)
    for (const auto& client : pool.clients) pids.insert(client.backend_pid.value_or(0));
  std::map<std::string, std::vector<const Backend*>> groups;
  for (const auto& backend : sample.backends) {
    const bool joined = ports.contains(backend.port) || pids.contains(backend.pid);
    if (sample.target_pid != 0 && !joined) continue;
    groups[sample.target_pid != 0 || sample.visibility == "titles" ? "" : backend.application]
        .push_back(&backend);
  }
  const auto most = std::max_element(
      groups.begin(), groups.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  if (most == groups.end()) return {};
  name = most->first.empty() ? "the service" : most->first;
  return most->second;
}

/// How many of the subject's backends are in which state.
struct States {
  std::size_t all = 0;
  std::size_t idle = 0;
  std::size_t idle_long = 0;
  std::size_t transaction = 0;
  std::size_t locked = 0;
  std::size_t active = 0;
  std::size_t slow = 0;
  double idle_s = 0;
  double transaction_s = 0;
  double active_s = 0;
};

States count(const std::vector<const Backend*>& backends, double slow_s) {
  States states;
  states.all = backends.size();
  for (const Backend* backend : backends) {
    const double age_s = backend->state_age_s.value_or(0);
    if (backend->wait_type == "Lock") {
      ++states.locked;
    } else if (backend->state.rfind("idle in transaction", 0) == 0) {
      ++states.transaction;
      states.transaction_s = std::max(states.transaction_s, age_s);
    } else if (backend->state == "active") {
      ++states.active;
      if (backend->query_age_s.value_or(0) >= slow_s) ++states.slow;
      states.active_s = std::max(states.active_s, backend->query_age_s.value_or(0));
    } else if (backend->state == "idle") {
      ++states.idle;
      if (age_s >= slow_s) ++states.idle_long;
      states.idle_s = std::max(states.idle_s, age_s);
    }
  }
  return states;
}

bool most_of(std::size_t part, std::size_t all) {
  return part > 0 && 2 * part >= all;
}

std::string of_text(const std::string& name, std::size_t part, const States& states) {
  return fmt::format("{} of {} connections of {}", part, states.all, name);
}

/// What pg_stat_activity alone says of the service's connections.
std::optional<Cause> cause_by_views(const Sample& sample, const Result& result, double slow_s) {
  std::string name;
  const States states = count(subject(sample, name), slow_s);
  if (states.all == 0) return std::nullopt;
  if (most_of(states.locked + states.transaction, states.all) && states.locked > 0 &&
      !result.blocking.empty())
    return Cause{"lock_chain",
                 fmt::format("{} wait for locks behind backend {} ({}, {})",
                             of_text(name, states.locked, states), result.blocking[0].root_pid,
                             result.blocking[0].root_application, result.blocking[0].root_state),
                 {views},
                 {}};
  if (most_of(states.transaction, states.all))
    return Cause{"idle_in_transaction",
                 fmt::format("{} sit idle in a transaction, the longest for {}",
                             of_text(name, states.transaction, states),
                             format_duration(states.transaction_s)),
                 {views},
                 {}};
  if (most_of(states.slow, states.all))
    return Cause{"slow_statement",
                 fmt::format("{} run a statement for more than {}, the oldest for {}",
                             of_text(name, states.slow, states), format_duration(slow_s),
                             format_duration(states.active_s)),
                 {views},
                 {}};
  if (states.active == states.all && states.all > 1)
    return Cause{
        "undersized",
        fmt::format("{} run statements, the oldest for {}", of_text(name, states.active, states),
                    format_duration(states.active_s)),
        {views},
        {"a pool of the right size that is busy"}};
  if (states.idle_long == states.all)
    return Cause{
        "client_leak",
        fmt::format("{} are idle, the longest for {}", of_text(name, states.idle_long, states),
                    format_duration(states.idle_s)),
        {views},
        {"held_between_statements", "blocked_loop", "a service without work"}};
  if (states.idle == states.all)
    return Cause{"held_between_statements",
                 fmt::format("{} are idle at this moment", of_text(name, states.idle, states)),
                 {views},
                 {"client_leak", "blocked_loop", "a service without work"}};
  return std::nullopt;
}

/// Titles carry the state and no age, no statement and no blocker.
std::optional<Cause> cause_by_titles(const Sample& sample) {
  std::string name;
  const States states = count(subject(sample, name), 1);
  if (states.all == 0) return std::nullopt;
  if (states.locked > 0 && most_of(states.locked + states.transaction, states.all))
    return Cause{"lock_chain",
                 fmt::format("{} wait for locks by their titles, which do not tell for whom",
                             of_text(name, states.locked, states)),
                 {titles},
                 {}};
  if (most_of(states.transaction, states.all))
    return Cause{
        "idle_in_transaction",
        fmt::format("{} are idle in a transaction by their titles, which do not tell since "
                    "when",
                    of_text(name, states.transaction, states)),
        {titles},
        {}};
  if (most_of(states.active, states.all))
    return Cause{"slow_statement",
                 fmt::format("{} are active by their titles", of_text(name, states.active, states)),
                 {titles},
                 {"undersized", "a pool of the right size that is busy"}};
  if (states.idle == states.all)
    return Cause{"client_leak",
                 fmt::format("{} are idle by their titles", of_text(name, states.idle, states)),
                 {titles},
                 {"held_between_statements", "blocked_loop", "network", "a service without work"}};
  return std::nullopt;
}

/// tcp_info knows in flight and idle.
std::vector<Cause> causes_by_tcp(const Sample& sample, const Result& result, double slow_s) {
  std::vector<Cause> causes;
  if (!result.tcp) return causes;
  const TcpView& view = *result.tcp;
  const auto all = view.in_flight_count + view.idle_count + view.unknown_count;
  if (view.unread_count > 0)
    causes.push_back({"blocked_loop",
                      fmt::format("answers wait unread on {} connections: the event loop of the "
                                  "service is blocked; see triage lag",
                                  view.unread_count),
                      {tcp},
                      {}});
  if (view.stalled_count > 0) {
    const bool none_active =
        sample.visibility == "all" && !sample.backends.empty() &&
        std::none_of(sample.backends.begin(), sample.backends.end(),
                     [](const Backend& backend) { return backend.state == "active"; });
    Cause cause{
        "network",
        fmt::format("{} connections repeat their data without an answer", view.stalled_count),
        {tcp},
        {"a server host that is frozen"}};
    if (none_active) {
      cause.text += ", and no backend has received the request: they are idle";
      cause.told_by = {tcp, views};
      cause.not_apart_from.clear();
    }
    causes.push_back(std::move(cause));
  } else if (all > 0 && 2 * view.in_flight_count >= all &&
             view.oldest_in_flight_s.value_or(0) >= slow_s) {
    causes.push_back(
        {"slow_statement",
         fmt::format("{} of {} connections wait for an answer, the oldest for {}",
                     view.in_flight_count, all, format_duration(*view.oldest_in_flight_s)),
         {tcp},
         {"lock_chain", "pgbouncer_queue"}});
  } else if (all > 1 && view.in_flight_count == all) {
    causes.push_back({"undersized",
                      fmt::format("{} of {} connections wait for an answer, all of them shortly",
                                  view.in_flight_count, all),
                      {tcp},
                      {"slow_statement", "lock_chain", "pgbouncer_queue",
                       "a pool of the right size that is busy"}});
  } else if (all > 0 && view.idle_count + view.unknown_count == all && view.unread_count == 0) {
    causes.push_back(
        {"client_leak",
         fmt::format("{} of {} connections have no request in flight",
                     view.idle_count + view.unknown_count, all),
         {tcp},
         {"idle_in_transaction", "held_between_statements", "a service without work"}});
  }
  return causes;
}

/// The slots are taken, and mostly not by the service.
std::optional<Cause> slots_cause(const Sample& sample, const Result& result) {
  const bool full = result.slots_full || result.used_ratio.value_or(0) >= nearly_full;
  if (!full || sample.backends.empty()) return std::nullopt;
  const bool by_title = sample.visibility == "titles";
  const auto& shares = by_title ? result.by_user : result.by_application;
  std::string name;
  const auto own = subject(sample, name).size();
  const bool named = sample.target_pid != 0;
  if (shares.empty() || (named && own * 2 > sample.backends.size())) return std::nullopt;
  if (shares.front().ratio < taken_share) return std::nullopt;
  std::string text =
      fmt::format("{} {} holds {} of {} used slots{}", by_title ? "role" : "application",
                  shares.front().name, shares.front().connections_count, sample.backends.size(),
                  named ? fmt::format(", the target {}", own) : std::string());
  for (const auto& pool : sample.app_pools)
    if (pool.total_count == 0 && named)
      text += fmt::format("; its {} has no connection at all, it is not exhausted itself",
                          pool.library);
  return Cause{"slots_taken", std::move(text), {by_title ? titles : views}, {}};
}

std::optional<Cause> bouncer_cause(const Sample& sample) {
  if (!sample.bouncer || sample.bouncer->pools.empty()) return std::nullopt;
  const BouncerPool& pool = sample.bouncer->pools.front();
  if (pool.clients_waiting_count == 0) return std::nullopt;
  return Cause{
      "pgbouncer_queue",
      fmt::format("{} clients wait in pgbouncer for one of the {} server connections of "
                  "{}/{}, the longest for {}",
                  pool.clients_waiting_count, pool.servers_active_count + pool.servers_idle_count,
                  pool.database, pool.user, format_duration(pool.longest_wait_s)),
      {"pgbouncer"},
      {}};
}

/// Facts about the server that are no states of connections.
void add_server_causes(const Sample& sample, const Result& result, std::vector<Cause>& causes) {
  if (auto cause = slots_cause(sample, result)) causes.push_back(std::move(*cause));
  if (auto cause = bouncer_cause(sample)) causes.push_back(std::move(*cause));
  if (result.deadlocks_count.value_or(0) > 0)
    causes.push_back({"deadlock",
                      fmt::format("{} deadlocks while triage watched: each ended one transaction "
                                  "after deadlock_timeout; a transient, no exhaustion",
                                  *result.deadlocks_count),
                      {"pg_stat_database"},
                      {}});
}

/// One entry per cause: the first, which comes from the best source, keeps its words.
void merge(std::vector<Cause> found, std::vector<Cause>& causes) {
  for (auto& cause : found) {
    const auto same = std::find_if(causes.begin(), causes.end(), [&](const Cause& known) {
      return known.name == cause.name ||
             (known.not_apart_from.empty() &&
              std::count(cause.not_apart_from.begin(), cause.not_apart_from.end(), known.name) > 0);
    });
    if (same == causes.end()) {
      causes.push_back(std::move(cause));
      continue;
    }
    // A source that leaves others open as well does not show it.
    if (!cause.not_apart_from.empty() && same->not_apart_from.empty()) continue;
    if (cause.not_apart_from.empty()) same->not_apart_from.clear();
    for (auto& source : cause.told_by)
      if (std::find(same->told_by.begin(), same->told_by.end(), source) == same->told_by.end())
        same->told_by.push_back(std::move(source));
  }
}

}  // namespace

std::vector<Cause> find_causes(const Options& options, const Sample& sample, const Result& result) {
  const double slow_s = std::chrono::duration<double>(options.slow_after).count();
  std::vector<Cause> causes;
  const auto by_tcp = causes_by_tcp(sample, result, slow_s);
  // What only the kernel can name comes first: the pool's own view freezes with it.
  std::vector<Cause> kernel;
  std::copy_if(by_tcp.begin(), by_tcp.end(), std::back_inserter(kernel), [](const Cause& cause) {
    return cause.name == "blocked_loop" || cause.name == "network";
  });
  merge(kernel, causes);
  const bool explained = !kernel.empty();
  add_server_causes(sample, result, causes);
  if (!explained) merge(causes_of_pools(options, sample, result), causes);
  if (!explained && sample.visibility == "all")
    if (auto cause = cause_by_views(sample, result, slow_s)) merge({std::move(*cause)}, causes);
  if (!explained && sample.visibility == "titles")
    if (auto cause = cause_by_titles(sample)) merge({std::move(*cause)}, causes);
  if (!explained) merge(by_tcp, causes);
  // Where the pool itself is known not to be exhausted, what its connections might mean is moot.
  const bool pools_fine = !sample.app_pools.empty() &&
                          std::none_of(sample.app_pools.begin(), sample.app_pools.end(),
                                       [](const AppPool& pool) { return is_exhausted(pool); });
  if (pools_fine)
    std::erase_if(causes, [](const Cause& cause) { return !cause.not_apart_from.empty(); });
  std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) {
    return a.not_apart_from.empty() > b.not_apart_from.empty();
  });
  return causes;
}

}  // namespace triage::probes::pool
