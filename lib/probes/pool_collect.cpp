#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <thread>

#include "lib/backends/postgres.h"
#include "lib/base/clock.h"
#include "lib/base/statement_text.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"
#include "lib/os/target.h"
#include "lib/probes/pool.h"
#include "lib/probes/pool_queries.h"
#include "lib/probes/pool_track.h"

namespace triage::probes::pool {
namespace {

using backends::Cell;
using backends::PostgresConnection;
using backends::Rows;

std::string text_of(const Cell& cell) {
  return cell.value_or(std::string());
}

std::int64_t integer_of(const Cell& cell) {
  std::int64_t value = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

std::optional<double> number_of(const Cell& cell) {
  double value = 0;
  if (!cell || std::from_chars(cell->data(), cell->data() + cell->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

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

/// Follows this host's connections to the server's port, every 20 ms.
class Follower {
 public:
  Follower(std::uint16_t port, const Session& session)
      : session_(session), start_(session.clock().monotonic()) {
    filter_.peer_port = port;
    filter_.health = true;
    filter_.states = 1U << established;
  }
  void take() {
    auto sockets = os::dump_inet(filter_);
    if (!own_) own_ = own_inodes(sockets);
    std::erase_if(sockets, [&](const os::InetSocket& s) { return own_->contains(s.inode); });
    tracker_.take(sockets, elapsed_s());
  }
  /// Instead of a plain wait.
  void follow_for(Duration wait) {
    using namespace std::chrono_literals;
    const Duration end = session_.clock().monotonic() + std::min(wait, session_.remaining());
    while (session_.clock().monotonic() < end && !session_.cancelled()) {
      take();
      std::this_thread::sleep_for(
          std::clamp<Duration>(end - session_.clock().monotonic(), 0ms, 20ms));
    }
  }
  void give(Sample& sample) const {
    sample.tracked = tracker_.connections();
    sample.tracked_s = elapsed_s();
  }

 private:
  static constexpr int established = 1;
  [[nodiscard]] double elapsed_s() const {
    return std::chrono::duration<double>(session_.clock().monotonic() - start_).count();
  }
  /// The connection of triage itself is not one of the service.
  static std::set<std::uint32_t> own_inodes(const std::vector<os::InetSocket>& sockets) {
    std::set<std::uint32_t> inodes;
    for (const auto& socket : sockets) inodes.insert(socket.inode);
    std::set<std::uint32_t> own;
    for (const auto& [inode, pid] :
         os::find_socket_owners(os::Procfs(), inodes, {::getpid()}).pid_of_inode)
      own.insert(inode);
    return own;
  }
  const Session& session_;
  Duration start_;
  os::InetFilter filter_;
  std::optional<std::set<std::uint32_t>> own_;
  ConnectionTracker tracker_;
};

void read_samples(PostgresConnection& connection, const Options& options, Session& session,
                  Sample& sample) {
  Follower follower(connection.port(), session);
  const auto deadlocks = [&]() -> std::optional<std::int64_t> {
    const auto rows =
        attempt(sample.gaps, "deadlocks_count", [&] { return connection.query(deadlocks_sql); });
    if (!rows || rows->rows.empty() || rows->rows[0].empty()) return std::nullopt;
    return integer_of(rows->rows[0][0]);
  };
  sample.deadlocks_before_count = deadlocks();
  const std::int64_t count = std::clamp<std::int64_t>(options.samples, 1, 1000);
  for (std::int64_t i = 0; i < count && !session.cancelled(); ++i) {
    if (i > 0)
      attempt(sample.gaps, "tcp", [&] {
        follower.follow_for(options.interval);
        return true;
      });
    session.progress(
        fmt::format("pg_stat_activity of {}, sample {}/{}", sample.server, i + 1, count));
    sample.backends = to_backends(connection.query(activity_sql));
  }
  attempt(sample.gaps, "tcp", [&] {
    follower.take();
    follower.give(sample);
    return true;
  });
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

}  // namespace

Sample collect(const Options& options, Session& session) {
  const os::Procfs procfs;
  Sample sample;
  if (!options.target.empty()) os::find_target(procfs, options.target);  // fail before the login
  session.progress("connecting to the database");
  const Duration start = session.clock().monotonic();
  auto connected = backends::connect_postgres({options.db, options.connect_timeout}, session);
  sample.at = to_rfc3339(session.clock().now());
  sample.server = fmt::format("{}:{}/{}", connected.host, connected.port, connected.database);
  sample.target = sample.server;
  sample.slots_full = connected.slots_full;
  std::int64_t statements = 0;
  if (connected.connection) {
    read_limits(*connected.connection, sample);
    read_samples(*connected.connection, options, session, sample);
    statements = connected.connection->statements_count();
  } else {
    sample.gaps.push_back({"max_count", "refused", connected.slots_full,
                           "log in as a role that may use the reserved slots, for example: sudo -u "
                           "postgres triage pool --db host=/var/run/postgresql"});
    Follower follower(connected.port, session);
    attempt(sample.gaps, "tcp", [&] {
      follower.follow_for(options.interval * std::max<std::int64_t>(options.samples - 1, 1));
      follower.take();
      follower.give(sample);
      return true;
    });
    if (is_local(connected.host)) read_titles(procfs, connected.port, session, sample);
  }
  const Duration took = session.clock().monotonic() - start;
  session.touch({"database session " + sample.server,
                 fmt::format("read-only, {} statements", statements), 1,
                 std::chrono::duration<double, std::milli>(took).count()});
  attempt(sample.gaps, "joined", [&] {
    read_clients(options, procfs, connected.port, session, sample);
    return true;
  });
  return sample;
}

}  // namespace triage::probes::pool
