#include "lib/probes/pool_bouncer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lib/backends/cells.h"
#include "lib/base/error.h"
#include "lib/os/sock_diag.h"
#include "lib/os/socket_owner.h"

namespace triage::probes::pool {
namespace {

using backends::integer_of;
using backends::Rows;
using backends::text_of;

std::vector<BouncerPool> to_pools(const Rows& rows) {
  constexpr double us_per_s = 1e6;
  std::vector<BouncerPool> pools;
  for (const auto& row : rows.rows) {
    BouncerPool pool;
    pool.database = text_of(rows.cell(row, "database"));
    if (pool.database == "pgbouncer") continue;  // the console itself
    pool.user = text_of(rows.cell(row, "user"));
    pool.mode = text_of(rows.cell(row, "pool_mode"));
    pool.clients_active_count = integer_of(rows.cell(row, "cl_active"));
    pool.clients_waiting_count = integer_of(rows.cell(row, "cl_waiting"));
    pool.servers_active_count = integer_of(rows.cell(row, "sv_active"));
    pool.servers_idle_count = integer_of(rows.cell(row, "sv_idle"));
    pool.longest_wait_s = static_cast<double>(integer_of(rows.cell(row, "maxwait"))) +
                          static_cast<double>(integer_of(rows.cell(row, "maxwait_us"))) / us_per_s;
    pools.push_back(std::move(pool));
  }
  std::stable_sort(pools.begin(), pools.end(), [](const BouncerPool& a, const BouncerPool& b) {
    return a.clients_waiting_count > b.clients_waiting_count;
  });
  return pools;
}

/// CLIENTS.link is SERVERS.ptr while a server is assigned; a waiting client has none.
std::vector<BouncerLink> to_links(const Rows& clients, const Rows& servers) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> by_pointer;
  for (const auto& row : servers.rows)
    by_pointer[text_of(servers.cell(row, "ptr"))] = {integer_of(servers.cell(row, "local_port")),
                                                     integer_of(servers.cell(row, "remote_pid"))};
  std::vector<BouncerLink> links;
  for (const auto& row : clients.rows) {
    if (text_of(clients.cell(row, "database")) == "pgbouncer") continue;
    BouncerLink link;
    link.client_address = text_of(clients.cell(row, "addr"));
    link.client_port = integer_of(clients.cell(row, "port"));
    link.state = text_of(clients.cell(row, "state"));
    const auto server = by_pointer.find(text_of(clients.cell(row, "link")));
    if (server != by_pointer.end()) {
      link.server_port = server->second.first;
      link.backend_pid = server->second.second;
    }
    links.push_back(std::move(link));
  }
  return links;
}

void find_owners(std::uint16_t port, std::vector<BouncerLink>& links) {
  os::InetFilter filter;
  filter.peer_port = port;
  std::map<std::int64_t, std::uint32_t> inode_of_port;
  std::set<std::uint32_t> inodes;
  for (const auto& socket : os::dump_inet(filter)) {
    if (socket.inode == 0) continue;
    inode_of_port[socket.local_port] = socket.inode;
    inodes.insert(socket.inode);
  }
  const auto owners = os::find_socket_owners(os::Procfs(), inodes);
  for (auto& link : links) {
    const auto inode = inode_of_port.find(link.client_port);
    if (inode == inode_of_port.end()) continue;
    const auto owner = owners.pid_of_inode.find(inode->second);
    if (owner != owners.pid_of_inode.end()) link.pid = owner->second;
  }
}

}  // namespace

Bouncer read_bouncer(const std::string& uri, std::chrono::milliseconds connect_timeout,
                     Session& session) {
  auto connected = backends::connect_postgres({uri, connect_timeout, true}, session);
  if (!connected.connection)
    throw Error(ErrorCode::refused, "pgbouncer: " + connected.slots_full,
                "raise max_client_conn, or ask again");
  backends::PostgresConnection& console = *connected.connection;
  Bouncer bouncer;
  bouncer.address = fmt::format("{}:{}", connected.host, connected.port);
  bouncer.port = connected.port;
  const Rows version = console.query("SHOW VERSION");
  if (!version.rows.empty() && !version.rows[0].empty())
    bouncer.version = text_of(version.rows[0][0]);
  bouncer.pools = to_pools(console.query("SHOW POOLS"));
  const Rows clients = console.query("SHOW CLIENTS");
  bouncer.links = to_links(clients, console.query("SHOW SERVERS"));
  find_owners(connected.port, bouncer.links);
  session.touch({"pgbouncer console " + bouncer.address, "4 SHOW commands", 1, 0});
  return bouncer;
}

}  // namespace triage::probes::pool
