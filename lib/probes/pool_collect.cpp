#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "lib/backends/cells.h"
#include "lib/base/clock.h"
#include "lib/base/statement_text.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"
#include "lib/os/target.h"
#include "lib/probes/pool.h"
#include "lib/probes/pool_follow.h"
#include "lib/probes/pool_observe.h"
#include "lib/probes/pool_queries.h"

namespace triage::probes::pool {
namespace {

using backends::Cell;
using backends::integer_of;
using backends::number_of;
using backends::PostgresConnection;
using backends::Rows;
using backends::text_of;

/// "{4711,4712}" -> the numbers.
std::vector<std::int64_t> integers_of(const Cell& cell) {
  std::vector<std::int64_t> values;
  const std::string text = text_of(cell);
  for (std::size_t at = 1; at < text.size(); at = text.find(',', at) + 1) {
    std::int64_t value = 0;
    if (std::from_chars(text.data() + at, text.data() + text.size(), value).ec == std::errc())
      values.push_back(value);
    if (text.find(',', at) == std::string::npos) break;
  }
  return values;
}

std::vector<Backend> to_backends(const Rows& rows) {
  std::vector<Backend> found;
  for (const auto& row : rows.rows) {
    if (row.size() < activity_columns) continue;
    Backend backend;
    backend.pid = integer_of(row[0]);
    backend.user = text_of(row[1]);
    backend.database = text_of(row[2]);
    backend.application = text_of(row[3]);
    backend.address = text_of(row[4]);
    backend.port = integer_of(row[5]);
    backend.state = text_of(row[6]);
    backend.wait_type = text_of(row[7]);
    backend.wait_event = text_of(row[8]);
    backend.query_id = text_of(row[9]);
    backend.query = normalise_statement(text_of(row[10]));
    backend.query_age_s = number_of(row[11]);
    backend.state_age_s = number_of(row[12]);
    backend.transaction_age_s = number_of(row[13]);
    backend.blockers = integers_of(row[14]);
    found.push_back(std::move(backend));
  }
  return found;
}

void read_limits(PostgresConnection& connection, Sample& sample) {
  const auto rows = attempt(sample.gaps, "max_count", [&] { return connection.query(limits_sql); });
  if (!rows || rows->rows.empty() || rows->rows[0].size() < 3) return;
  const auto& row = rows->rows[0];
  sample.max_count = integer_of(row[0]);
  sample.reserved_count = integer_of(row[1]);
  sample.visibility = text_of(row[2]) == "t" ? "all" : "partial";
  if (sample.visibility == "partial")
    sample.gaps.push_back({"statements", "refused",
                           "the role sees only its own sessions in pg_stat_activity",
                           fmt::format("GRANT pg_monitor TO \"{}\";", connection.user())});
}

bool wants(const Options& options, const char* source) {
  return options.source.empty() ||
         std::find(options.source.begin(), options.source.end(), source) != options.source.end();
}

/// How often the server is asked.
std::int64_t samples_of(const Options& options) {
  const auto interval = std::max<std::int64_t>(options.interval.count(), 1);
  const std::int64_t count =
      options.duration.count() > 0 ? options.duration.count() / interval + 1 : options.samples;
  return std::clamp<std::int64_t>(count, 1, 100'000);
}

/// What is watched between two looks at the server; either may be absent.
struct Watch {
  std::unique_ptr<Follower> follower;
  std::unique_ptr<AppObserver> app;
};

void watch_for(const Watch& watch, Duration wait, const Session& session, Sample& sample) {
  attempt(sample.gaps, "tcp", [&] {
    wait_beside(wait, session, [&] {
      if (watch.follower) watch.follower->take();
      if (watch.app) watch.app->look(sample);
    });
    return true;
  });
}

/// The last look of both.
void finish(const Watch& watch, Sample& sample) {
  if (watch.app) watch.app->finish(sample);
  if (!watch.follower) return;
  attempt(sample.gaps, "tcp", [&] {
    watch.follower->take();
    watch.follower->give(sample);
    return true;
  });
}

void read_samples(PostgresConnection& connection, const Options& options, const Watch& watch,
                  Session& session, Sample& sample) {
  const auto deadlocks = [&]() -> std::optional<std::int64_t> {
    const auto rows =
        attempt(sample.gaps, "deadlocks_count", [&] { return connection.query(deadlocks_sql); });
    if (!rows || rows->rows.empty() || rows->rows[0].empty()) return std::nullopt;
    return integer_of(rows->rows[0][0]);
  };
  sample.deadlocks_before_count = deadlocks();
  const std::int64_t count = samples_of(options);
  for (std::int64_t i = 0; i < count && !session.cancelled(); ++i) {
    if (i > 0) watch_for(watch, options.interval, session, sample);
    session.progress(
        fmt::format("pg_stat_activity of {}, sample {}/{}", sample.server, i + 1, count));
    // One dump before and one behind, so that what changed meanwhile is not compared.
    attempt(sample.gaps, "tcp", [&] {
      if (watch.follower) watch.follower->take();
      return true;
    });
    sample.backends = to_backends(connection.query(activity_sql));
    attempt(sample.gaps, "tcp", [&] {
      if (!watch.follower) return true;
      watch.follower->take();
      watch.follower->compare(sample);
      return true;
    });
  }
  sample.deadlocks_after_count = deadlocks();
}

/// Backends of the server on `port` by their titles: readable by anyone, also without a free slot.
void read_titles(const os::Procfs& procfs, std::uint16_t port, Session& session, Sample& sample) {
  sample.visibility = "titles";
  std::vector<Gap> ignored;
  const auto owners = attempt(ignored, "server", [&] { return os::listeners_of(procfs, port); });
  std::vector<Gap> vanished;
  for (const pid_t pid : procfs.pids()) {
    const auto process = attempt(vanished, "process", [&] { return procfs.process(pid); });
    if (!process || process->arguments.empty()) continue;
    const bool ours = !owners || owners->empty() ||
                      std::find(owners->begin(), owners->end(), process->parent) != owners->end();
    auto backend = parse_title(process->arguments.front());
    if (!backend || !ours) continue;
    backend->pid = pid;
    sample.backends.push_back(std::move(*backend));
  }
  session.touch({"process titles", "/proc/*/cmdline of the server's backends", 1, 0});
}

void read_clients(const Options& options, const os::Procfs& procfs, std::uint16_t server_port,
                  Session& session, Sample& sample) {
  std::set<std::int64_t> ports;
  for (const auto& backend : sample.backends)
    if (backend.port > 0) ports.insert(backend.port);
  os::InetFilter filter;
  filter.peer_port = server_port;
  std::map<std::uint32_t, std::int64_t> port_of_inode;
  std::set<std::uint32_t> inodes;
  for (const auto& socket : os::dump_inet(filter)) {
    if (socket.inode == 0 || !ports.contains(socket.local_port)) continue;
    port_of_inode[socket.inode] = socket.local_port;
    inodes.insert(socket.inode);
  }
  std::vector<pid_t> candidates;
  if (!options.target.empty()) candidates.push_back(os::find_target(procfs, options.target).id.pid);
  std::vector<Gap> vanished;
  for (const auto& [inode, pid] : os::find_socket_owners(procfs, inodes, candidates).pid_of_inode) {
    const pid_t owner = pid;  // clang 14 captures no structured binding
    const auto process = attempt(vanished, "process", [&] { return procfs.process(owner); });
    if (process)
      sample.clients.push_back({port_of_inode[inode], pid, os::describe_process(*process)});
  }
  std::sort(sample.clients.begin(), sample.clients.end(),
            [](const ClientSocket& a, const ClientSocket& b) { return a.port < b.port; });
  session.touch({"kernel socket list", "sock_diag, tcp to the database; /proc/*/fd", 1, 0});
}

bool is_local(const std::string& host) {
  return host.empty() || host.front() == '/' || host == "localhost" || host == "::1" ||
         host.rfind("127.", 0) == 0;
}

Watch start_watch(const Options& options, const os::Procfs& procfs,
                  const std::optional<os::ProcessInfo>& target, std::uint16_t port,
                  Session& session, Sample& sample) {
  Watch watch;
  if (wants(options, "tcp")) watch.follower = std::make_unique<Follower>(port, session);
  if (wants(options, "inspector") && options.allow_inspector && target)
    watch.app = std::make_unique<AppObserver>(options, procfs, *target, session, sample);
  if (!watch.app)
    sample.gaps.push_back({"app_pools", "refused", "the application's own pools were not looked at",
                           "name the process with --target and add --allow-inspector"});
  return watch;
}

/// The port to which the service connects.
std::uint16_t read_pooler(const Options& options, std::uint16_t server_port, Session& session,
                          Sample& sample) {
  if (options.pgbouncer.empty()) return server_port;
  sample.bouncer = attempt(sample.gaps, "bouncer", [&] {
    return read_bouncer(options.pgbouncer, options.connect_timeout, session);
  });
  return sample.bouncer ? static_cast<std::uint16_t>(sample.bouncer->port) : server_port;
}

void check(const Options& options) {
  if (options.allow_inspector && options.target.empty())
    throw Error(ErrorCode::usage, "pool: --allow-inspector without a process",
                "name it: --target port:3000");
}

/// Asks the server, or gives its words when every slot is taken.
backends::PostgresConnected connect(const Options& options, Session& session) {
  if (wants(options, "views")) {
    session.progress("connecting to the database");
    return backends::connect_postgres({options.db, options.connect_timeout}, session);
  }
  return backends::postgres_address({options.db, options.connect_timeout});
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  const os::Procfs procfs;
  Sample sample;
  check(options);
  std::optional<os::ProcessInfo> target;  // fails before the login
  if (!options.target.empty()) target = os::find_target(procfs, options.target);
  if (target) sample.target_pid = target->id.pid;
  const Duration start = session.clock().monotonic();
  auto connected = connect(options, session);
  sample.at = to_rfc3339(session.clock().now());
  sample.server = fmt::format("{}:{}/{}", connected.host, connected.port, connected.database);
  sample.target = sample.server;
  sample.slots_full = connected.slots_full;
  // The service's connections end at pgbouncer where there is one.
  const std::uint16_t near = read_pooler(options, connected.port, session, sample);
  const Watch watch = start_watch(options, procfs, target, near, session, sample);
  if (connected.connection) {
    read_limits(*connected.connection, sample);
    read_samples(*connected.connection, options, watch, session, sample);
    const Duration took = session.clock().monotonic() - start;
    session.touch(
        {"database session " + sample.server,
         fmt::format("read-only, {} statements", connected.connection->statements_count()), 1,
         std::chrono::duration<double, std::milli>(took).count()});
  } else {
    const std::string why =
        sample.slots_full.empty() ? "the database was not asked" : sample.slots_full;
    sample.gaps.push_back({"max_count", "refused", why,
                           "log in as a role that may use the reserved slots, for example: sudo -u "
                           "postgres triage pool --db host=/var/run/postgresql"});
    watch_for(watch, options.interval * std::max<std::int64_t>(samples_of(options) - 1, 1), session,
              sample);
    if (is_local(connected.host) && wants(options, "titles"))
      read_titles(procfs, connected.port, session, sample);
  }
  finish(watch, sample);
  // Again at the end: a queue that was there at both moments is no burst.
  if (sample.bouncer) read_pooler(options, connected.port, session, sample);
  attempt(sample.gaps, "joined", [&] {
    read_clients(options, procfs, connected.port, session, sample);
    return true;
  });
  return sample;
}

}  // namespace triage::probes::pool
