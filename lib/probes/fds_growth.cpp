#include <algorithm>
#include <set>
#include <tuple>

#include "lib/probes/fds_analyse.h"
#include "lib/stats/robust.h"

namespace triage::probes::fds {
namespace {

std::optional<stats::Line> line_through(const std::vector<CountPoint>& points, std::size_t from) {
  std::vector<double> at;
  std::vector<double> count;
  for (std::size_t i = from; i < points.size(); ++i) {
    at.push_back(points[i].at_s);
    count.push_back(static_cast<double>(points[i].open_count));
  }
  return stats::theil_sen(at, count);
}

using Classes = std::map<std::int64_t, std::string>;  ///< descriptor number -> class

/// Sockets are told apart by peer where it is known, files by path, the rest by kind.
std::string class_of(const Descriptor& descriptor, const Classes& peers) {
  if (const auto peer = peers.find(descriptor.number); peer != peers.end()) return peer->second;
  const bool named =
      descriptor.kind == "file" || descriptor.kind == "deleted file" || descriptor.kind == "device";
  return named ? descriptor.link : descriptor.kind;
}

Classes peers_of(const std::vector<SocketSample>& sockets) {
  std::set<std::int64_t> listening;
  for (const auto& socket : sockets)
    if (socket.state == "LISTEN") listening.insert(socket.local_port);
  Classes peers;
  for (const auto& socket : sockets) {
    if (socket.protocol == "unix" && socket.state == "CONNECTED")
      peers[socket.number] = unix_peer_of(socket);
    if (socket.peer_port == 0) continue;
    peers[socket.number] =
        listening.contains(socket.local_port)
            ? socket.protocol + " clients of :" + std::to_string(socket.local_port)
            : socket.protocol + " " + socket.peer_address + ":" + std::to_string(socket.peer_port);
  }
  return peers;
}

/// Anonymous inodes (eventfd, ...) have one link for all, so a number that was closed and opened
/// again counts as the same descriptor.
std::vector<ClassGrowth> compare(const ProcessSample& process) {
  using Key = std::pair<std::int64_t, std::string>;
  const Classes peers = peers_of(process.sockets);
  const Classes peers_before = peers_of(process.sockets_before);
  std::set<Key> before;
  std::set<Key> after;
  for (const auto& descriptor : process.before) before.insert({descriptor.number, descriptor.link});
  for (const auto& descriptor : process.descriptors)
    after.insert({descriptor.number, descriptor.link});
  std::map<std::string, ClassGrowth> classes;
  for (const auto& descriptor : process.descriptors) {
    ClassGrowth& row = classes[class_of(descriptor, peers)];
    ++row.after_count;
    if (before.contains({descriptor.number, descriptor.link}))
      ++row.before_count;
    else
      ++row.born_count;
  }
  for (const auto& descriptor : process.before) {
    if (after.contains({descriptor.number, descriptor.link})) continue;
    ClassGrowth& row = classes[class_of(descriptor, peers_before)];
    ++row.before_count;
    ++row.died_count;
  }
  std::vector<ClassGrowth> rows;
  for (auto& [name, row] : classes) {
    if (row.born_count == 0 && row.died_count == 0) continue;
    row.name = name;
    rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const ClassGrowth& a, const ClassGrowth& b) {
    return a.after_count - a.before_count > b.after_count - b.before_count;
  });
  return rows;
}

}  // namespace

std::optional<Growth> growth_of(const ProcessSample& process) {
  if (process.points.size() < 2 && process.before.empty()) return std::nullopt;
  constexpr std::size_t enough = 5;
  constexpr std::int64_t noise = 3;  // a few connections come and go anyway
  const auto& points = process.points;
  Growth growth;
  growth.duration_s =
      points.size() < 2 ? process.before_s : points.back().at_s - points.front().at_s;
  growth.compared_s = process.before_s;
  growth.points_count = static_cast<std::int64_t>(points.size());
  growth.by_class = compare(process);
  std::int64_t rises = 0;
  for (std::size_t i = 1; i < points.size(); ++i)
    rises += std::max<std::int64_t>(points[i].open_count - points[i - 1].open_count, 0);
  if (growth.duration_s > 0) growth.opened_per_s = static_cast<double>(rises) / growth.duration_s;
  if (points.size() < enough) return growth;
  const auto whole = line_through(points, 0);
  if (!whole) return growth;
  growth.per_s = whole->slope;
  growth.per_s_low = whole->slope_low;
  growth.per_s_high = whole->slope_high;
  // What has settled does not go on: the second half must rise as well.
  const auto later = line_through(points, points.size() / 2);
  growth.growing = whole->slope_low > 0 && later && later->slope > 0 &&
                   points.back().open_count - points.front().open_count > noise;
  if (!growth.growing || !process.soft_limit_count) return growth;
  const auto left = static_cast<double>(
      std::max<std::int64_t>(*process.soft_limit_count - points.back().open_count, 0));
  growth.exhausted_in_s = left / whole->slope;
  growth.exhausted_in_low_s = left / whole->slope_high;
  growth.exhausted_in_high_s = left / whole->slope_low;
  return growth;
}

}  // namespace triage::probes::fds
