#include "lib/probes/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "lib/base/units.h"
#include "lib/probes/pool_judge.h"
#include "lib/probes/pool_queries.h"
#include "lib/stats/robust.h"

namespace triage::probes::pool {
namespace {

std::vector<Share> shares(const Sample& sample,
                          const std::function<std::string(const Backend&)>& key) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& backend : sample.backends) ++counts[key(backend)];
  std::vector<Share> rows;
  rows.reserve(counts.size());
  for (const auto& [name, count] : counts)
    rows.push_back(
        {name, count, static_cast<double>(count) / static_cast<double>(sample.backends.size())});
  std::stable_sort(rows.begin(), rows.end(), [](const Share& a, const Share& b) {
    return a.connections_count > b.connections_count;
  });
  return rows;
}

/// How long the backend has been in what it does: its statement when active, else its state.
std::optional<double> age_of(const Backend& backend) {
  return backend.state == "active" ? backend.query_age_s : backend.state_age_s;
}

std::string named(const std::string& text, const char* otherwise) {
  return text.empty() ? std::string(otherwise) : text;
}

void group_statements(const Sample& sample, Result& result) {
  std::map<std::tuple<std::string, std::string, std::string>, Statement> groups;
  std::map<const Statement*, std::map<std::pair<std::string, std::string>, int>> waits;
  for (const auto& backend : sample.backends) {
    if (backend.query.empty()) continue;
    const std::string& id = backend.query_id.empty() ? backend.query : backend.query_id;
    Statement& group = groups[{id, backend.state, backend.application}];
    group.query_id = backend.query_id;
    group.query = backend.query;
    group.state = backend.state;
    group.application = backend.application;
    ++group.connections_count;
    group.backend_pids.push_back(backend.pid);
    if (const auto age = age_of(backend)) {
      group.connection_seconds += *age;
      group.oldest_age_s = std::max(group.oldest_age_s.value_or(0), *age);
    }
    ++waits[&group][{backend.wait_type, backend.wait_event}];
  }
  for (auto& [key, group] : groups) {
    const auto& seen = waits[&group];
    const auto most = std::max_element(
        seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    group.wait_type = most->first.first;
    group.wait_event = most->first.second;
    result.statements.push_back(group);
  }
  // What works comes before what idles: an idle connection has held nothing but its slot.
  const auto works = [](const Statement& statement) { return statement.state != "idle"; };
  std::stable_sort(result.statements.begin(), result.statements.end(),
                   [&](const Statement& a, const Statement& b) {
                     return std::make_tuple(works(b), b.connection_seconds) <
                            std::make_tuple(works(a), a.connection_seconds);
                   });
}

void count_states(const Options& options, const Sample& sample, Result& result) {
  const double limit = std::chrono::duration<double>(options.slow_after).count();
  std::int64_t long_running = 0;
  std::int64_t idle_in_transaction = 0;
  std::int64_t parked = 0;
  std::int64_t waiters = 0;
  for (const auto& backend : sample.backends) {
    const bool waits = backend.wait_type == "Lock";
    if (waits) ++waiters;
    if (backend.state == "active" && !waits && backend.query_age_s.value_or(0) >= limit)
      ++long_running;
    if (backend.state.rfind("idle in transaction", 0) != 0) continue;
    ++idle_in_transaction;
    const double age = backend.state_age_s.value_or(0);
    result.idle_in_transaction_oldest_s =
        std::max(result.idle_in_transaction_oldest_s.value_or(0), age);
    if (age >= limit) ++parked;
  }
  const auto used = static_cast<double>(std::max<std::size_t>(sample.backends.size(), 1));
  result.idle_in_transaction_count = idle_in_transaction;
  result.lock_waiters_count = waiters;
  // Titles carry no ages: what depends on them stays unknown.
  if (sample.visibility != "all") return;
  result.long_count = long_running;
  result.long_ratio = static_cast<double>(long_running) / used;
  result.parked_count = parked;
  result.parked_ratio = static_cast<double>(parked) / used;
}

/// Follows each waiter's blockers to backends that do not wait themselves. A naive "blocked by"
/// list names fellow victims: later waiters wait for each other's place in the queue.
void find_roots(const Sample& sample, Result& result) {
  std::map<std::int64_t, const Backend*> by_pid;
  for (const auto& backend : sample.backends) by_pid[backend.pid] = &backend;
  std::map<std::int64_t, std::int64_t> waiters;
  for (const auto& backend : sample.backends) {
    std::set<std::int64_t> seen;
    std::vector<std::int64_t> open = backend.blockers;
    while (!open.empty()) {
      const std::int64_t pid = open.back();
      open.pop_back();
      if (!seen.insert(pid).second) continue;
      const auto found = by_pid.find(pid);
      if (found != by_pid.end() && !found->second->blockers.empty())
        open.insert(open.end(), found->second->blockers.begin(), found->second->blockers.end());
      else
        ++waiters[pid];
    }
  }
  for (const auto& [pid, count] : waiters) {
    Blocking root{pid, "not visible", "", "", count};
    if (const auto found = by_pid.find(pid); found != by_pid.end())
      root = {pid, found->second->state, found->second->application, found->second->query, count};
    result.blocking.push_back(std::move(root));
  }
  std::stable_sort(
      result.blocking.begin(), result.blocking.end(),
      [](const Blocking& a, const Blocking& b) { return a.waiters_count > b.waiters_count; });
}

void join_clients(const Sample& sample, Result& result) {
  std::map<std::int64_t, Joined> processes;
  for (const auto& client : sample.clients) {
    Joined& joined = processes[client.pid];
    joined.pid = client.pid;
    joined.process = client.process;
    ++joined.connections_count;
  }
  for (auto& [pid, joined] : processes) result.joined.push_back(std::move(joined));
  std::stable_sort(
      result.joined.begin(), result.joined.end(),
      [](const Joined& a, const Joined& b) { return a.connections_count > b.connections_count; });
}

/// What tcp_info says, and whether the server agrees on the connections that both know.
void view_tcp(const Sample& sample, Result& result) {
  constexpr double unread_limit_s = 0.4;  // longer than any turn of a healthy loop
  if (sample.tracked.empty()) return;
  TcpView& view = result.tcp.emplace();
  view.followed_s = sample.tracked_s;
  for (const auto& connection : sample.tracked) {
    const bool in_flight = connection.state == "in flight";
    ++(in_flight ? view.in_flight_count
                 : (connection.state == "idle" ? view.idle_count : view.unknown_count));
    if (connection.stalled) ++view.stalled_count;
    if (connection.unread_s >= unread_limit_s) ++view.unread_count;
    if (in_flight)
      view.oldest_in_flight_s = std::max(view.oldest_in_flight_s.value_or(0), connection.age_s);
  }
  view.requests_count = sample.requests_count;
  view.timed_count = static_cast<std::int64_t>(sample.answers_s.size());
  view.answer_p50_s = stats::quantile(sample.answers_s, 0.5);
  view.answer_p95_s = stats::quantile(sample.answers_s, 0.95);
  view.answer_p99_s = stats::quantile(sample.answers_s, 0.99);
  view.answer_max_s = stats::quantile(sample.answers_s, 1);
  view.compared_count = sample.compared_count;
  if (sample.compared_count > 0 && sample.visibility == "all")
    view.agreement_ratio =
        static_cast<double>(sample.agreed_count) / static_cast<double>(sample.compared_count);
}

/// Accuracies were measured against pg_stat_activity at the same instant.
void name_sources(const Sample& sample, Result& result) {
  if (!sample.app_walks.empty())
    result.sources.push_back({"inspector",
                              "exact: the pools' own objects; the age of a check-out is a lower "
                              "bound unless the library "
                              "notes it (tarn, generic-pool)"});
  if (sample.visibility == "all" || sample.visibility == "partial")
    result.sources.push_back(
        {"pg_stat_activity", sample.visibility == "all"
                                 ? "exact"
                                 : "exact for the sessions of its own role, blind for others"});
  if (sample.visibility == "titles")
    result.sources.push_back(
        {"process titles", "states without ages or texts; 99.9 % of rows as pg_stat_activity"});
  if (result.bouncer)
    result.sources.push_back({"pgbouncer", "exact: its own lists, at one moment"});
  if (result.tcp)
    result.sources.push_back(
        {"tcp_info",
         "in flight or idle of this host's connections; 98 to 99.8 % of rows as pg_stat_activity; "
         "cannot tell idle from idle in transaction or held"});
}

void count_slots(const Sample& sample, Result& result) {
  // Nothing was counted when the login was refused and no title could be read.
  if (!sample.visibility.empty())
    result.used_count = static_cast<std::int64_t>(sample.backends.size());
  result.max_count = sample.max_count;
  result.reserved_count = sample.reserved_count;
  if (sample.max_count && sample.reserved_count)
    result.usable_count = *sample.max_count - *sample.reserved_count;
  if (result.used_count && result.usable_count && *result.usable_count > 0)
    result.used_ratio =
        static_cast<double>(*result.used_count) / static_cast<double>(*result.usable_count);
}

/// What this way of looking cannot tell.
void name_unknown(const Sample& sample, Result& result) {
  const auto unknown = [&](std::initializer_list<const char*> keys, const char* why) {
    for (const char* key : keys)
      result.envelope.gaps.push_back({key, "refused", why, "a role with pg_monitor sees them all"});
  };
  if (sample.visibility.empty())
    unknown({"by_user", "by_address", "by_state"}, "the connections could not be counted");
  if (sample.visibility.empty() || sample.visibility == "titles")
    unknown({"by_application", "statements", "blocking"},
            "process titles do not tell it, and no session could be opened");
  if (sample.visibility == "partial")
    unknown({"blocking", "long_count", "parked_count", "lock_waiters_count"},
            "the role sees only its own sessions");
}

}  // namespace

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.visibility = sample.visibility.empty() ? "none" : sample.visibility;
  result.slots_full = !sample.slots_full.empty();
  count_slots(sample, result);
  if (!sample.backends.empty()) {
    // titles do not tell the application
    if (sample.visibility != "titles")
      result.by_application = shares(
          sample, [](const Backend& b) { return named(b.application, "(no application_name)"); });
    result.by_user = shares(sample, [](const Backend& b) { return named(b.user, "(unknown)"); });
    result.by_address =
        shares(sample, [](const Backend& b) { return named(b.address, "unix socket"); });
    result.by_state =
        shares(sample, [](const Backend& b) { return named(b.state, "not visible"); });
  }
  group_statements(sample, result);
  if (!sample.visibility.empty() && sample.visibility != "partial")
    count_states(options, sample, result);
  find_roots(sample, result);
  name_unknown(sample, result);
  if (sample.deadlocks_before_count && sample.deadlocks_after_count)
    result.deadlocks_count = *sample.deadlocks_after_count - *sample.deadlocks_before_count;
  result.deadlocks_total_count = sample.deadlocks_after_count;
  join_clients(sample, result);
  view_tcp(sample, result);
  result.app_pools = sample.app_pools;
  result.app_walks = sample.app_walks;
  result.bouncer = sample.bouncer;
  result.causes = find_causes(options, sample, result);
  name_sources(sample, result);
  judge(options, sample, result);
  add_provenance(sample, result);
  return result;
}

std::optional<Backend> parse_title(const std::string& title) {
  constexpr std::string_view prefix = "postgres: ";
  if (title.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  std::vector<std::string> words;
  for (std::size_t at = prefix.size(); at < title.size();) {
    const std::size_t end = std::min(title.find(' ', at), title.size());
    if (end > at) words.push_back(title.substr(at, end - at));
    at = end + 1;
  }
  // With cluster_name set the first word is "15/main:".
  const std::size_t first = !words.empty() && words[0].back() == ':' ? 1 : 0;
  if (words.size() < first + 3) return std::nullopt;
  const std::string& client = words[first + 2];
  const std::size_t open = client.find('(');
  if (client != "[local]" && open == std::string::npos) return std::nullopt;
  Backend backend;
  backend.user = words[first];
  backend.database = words[first + 1];
  if (open != std::string::npos) {
    backend.address = client.substr(0, open);
    std::from_chars(client.data() + open + 1, client.data() + client.size(), backend.port);
  }
  std::string state;
  for (std::size_t i = first + 3; i < words.size(); ++i)
    state += (state.empty() ? "" : " ") + words[i];
  // A login that is not finished holds no slot yet.
  if (state == "startup" || state == "authentication" || state == "initializing")
    return std::nullopt;
  const bool waiting = state.size() > 8 && state.compare(state.size() - 8, 8, " waiting") == 0;
  if (waiting) backend.wait_type = "Lock";
  // An active backend shows the tag of its statement: SELECT, INSERT, ...
  backend.state = state.rfind("idle", 0) == 0 ? state : "active";
  return backend;
}

}  // namespace triage::probes::pool
