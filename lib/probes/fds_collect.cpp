#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/os/child_program.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/lines.h"
#include "lib/os/target.h"
#include "lib/probes/fds.h"
#include "lib/probes/fds_process.h"
#include "lib/probes/fds_who.h"

namespace triage::probes::fds {
namespace {

using namespace std::chrono_literals;

/// The first number of a file below /proc/sys; unknown when it is not there.
std::optional<std::int64_t> number_in(const os::Procfs& procfs, const std::string& file,
                                      const char* what, std::vector<Gap>& gaps) {
  const auto text = attempt(gaps, what, [&] { return procfs.read_file(file); });
  std::int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

/// /proc/sys/fs/file-nr: "1824\t0\t9223372036854775807\n"
void read_host(const os::Procfs& procfs, Sample& sample) {
  sample.system_open_count = number_in(procfs, "sys/fs/file-nr", "system_open_count", sample.gaps);
  sample.system_max_count = number_in(procfs, "sys/fs/file-max", "system_max_count", sample.gaps);
  sample.process_max_count = number_in(procfs, "sys/fs/nr_open", "process_max_count", sample.gaps);
  const bool watches = std::any_of(sample.processes.begin(), sample.processes.end(),
                                   [](const auto& process) { return !process.inotifies.empty(); });
  if (!watches) return;
  sample.inotify_max_count =
      number_in(procfs, "sys/fs/inotify/max_user_instances", "inotify_max_count", sample.gaps);
  sample.watches_max_count =
      number_in(procfs, "sys/fs/inotify/max_user_watches", "watches_max_count", sample.gaps);
}

/// At most one each 20 ms.
void add_point(const os::Procfs& procfs, Duration at, ProcessSample& process) {
  const double at_s = std::chrono::duration<double>(at).count();
  constexpr double period_s = 0.02;
  if (!process.points.empty() && at_s < process.points.back().at_s + period_s) return;
  if (const auto count = os::count_descriptors(procfs, static_cast<pid_t>(process.pid)))
    process.points.push_back({at_s, *count});
}

/// Reads only the counts until the duration is over: about 10 us each.
void watch_counts(const os::Procfs& procfs, const Options& options, Session& session,
                  std::vector<ProcessSample>& processes) {
  constexpr int wanted_points = 100;
  const Duration pause = std::max<Duration>(options.duration / wanted_points, 20ms);
  const Duration start = session.clock().monotonic();
  Duration now{0};
  Duration shown{0};
  for (;;) {
    for (auto& process : processes)
      if (const auto count = os::count_descriptors(procfs, static_cast<pid_t>(process.pid)))
        process.points.push_back({std::chrono::duration<double>(now).count(), *count});
    if (now >= options.duration || session.cancelled()) return;
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now);
    if (second != shown) {
      shown = second;
      session.progress(fmt::format("watching growth, {} of {}", to_duration_text(second),
                                   to_duration_text(options.duration)));
    }
    std::this_thread::sleep_for(
        std::min({pause, Duration(options.duration) - now, session.remaining()}));
    now = session.clock().monotonic() - start;
  }
}

bool is_node(const os::ProcessInfo& process) {
  if (process.state == 'Z' || process.arguments.empty()) return false;
  const std::string& program = process.arguments.front();
  return process.name == "node" || program.substr(program.rfind('/') + 1) == "node";
}

std::vector<os::ProcessInfo> find_processes(const os::Procfs& procfs, const Options& options) {
  if (!options.all) return {os::find_target(procfs, options.target)};
  std::vector<os::ProcessInfo> found;
  std::vector<Gap> ended;
  for (const pid_t pid : procfs.pids()) {
    const auto process = attempt(ended, "process", [&] { return procfs.process(pid); });
    if (process && is_node(*process)) found.push_back(*process);
  }
  if (found.empty())
    throw Error(ErrorCode::not_found, "no Node.js process runs here",
                "name the process: triage fds PID");
  return found;
}

/// What the rounds of one --watch have seen of a process.
struct Rounds {
  Duration first{0};
  Duration last{0};
  std::vector<CountPoint> points;
  std::vector<Descriptor> descriptors;
  std::vector<SocketSample> sockets;
};

/// Lives as long as the program: each round is a look of its own that knows the one before.
Rounds& rounds_of(const os::ProcessIdentity& id) {
  static std::map<std::pair<pid_t, std::uint64_t>, Rounds> rounds;
  return rounds[{id.pid, id.start_ticks}];
}

/// Compares with the round before, if there was one.
void join_rounds(const os::ProcessIdentity& id, const Session& session, ProcessSample& process) {
  constexpr std::size_t most_points = 200;
  Rounds& rounds = rounds_of(id);
  const Duration now = session.clock().monotonic();
  const bool again = !rounds.points.empty();
  if (!again) rounds.first = now;
  if (process.open_count)
    rounds.points.push_back(
        {std::chrono::duration<double>(now - rounds.first).count(), *process.open_count});
  if (rounds.points.size() > most_points) rounds.points.erase(rounds.points.begin());
  if (again && process.points.empty()) {
    process.before = std::move(rounds.descriptors);
    process.sockets_before = std::move(rounds.sockets);
    process.before_s = std::chrono::duration<double>(now - rounds.last).count();
    process.points = rounds.points;
  }
  rounds.descriptors = process.descriptors;
  rounds.sockets = process.sockets;
  rounds.last = now;
}

/// Reads the process again after what happened between the two looks.
void look_again(const os::Procfs& procfs, const os::ProcessInfo& info, const Depth& depth,
                Duration between, Session& session, ProcessSample& process) {
  ProcessSample last = read_process(procfs, info, depth, session);
  last.before = std::move(process.descriptors);
  last.sockets_before = std::move(process.sockets);
  last.before_s = std::chrono::duration<double>(between).count();
  last.points = std::move(process.points);
  last.listen_before = process.listen_before;
  last.open_calls = std::move(process.open_calls);
  last.gaps.insert(last.gaps.end(), process.gaps.begin(), process.gaps.end());
  process = std::move(last);
}

/// Host names by the resolver of this host: "getent hosts" answers "10.0.0.2  db.internal".
void resolve_peers(Session& session, ProcessSample& process) {
  constexpr std::size_t most = 200;
  std::set<std::string> addresses;
  for (const auto& socket : process.sockets)
    if (socket.peer_port != 0 && addresses.size() < most) addresses.insert(socket.peer_address);
  if (addresses.empty()) return;
  std::vector<std::string> words{"getent", "hosts"};
  words.insert(words.end(), addresses.begin(), addresses.end());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  if (!file) throw Error(ErrorCode::internal, "no temporary file for the names of the peers");
  const auto result = os::run_program(words, ::fileno(file.get()), 5s);
  session.touch({"resolver", "getent hosts, the addresses of the peers", 1, 0});
  std::string text(std::size_t{64} << 10U, '\0');
  std::rewind(file.get());
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  std::map<std::string, std::string, std::less<>> names;
  os::each_line(text, [&](std::string_view line) {
    const auto line_words = os::words_of(line);
    if (line_words.size() >= 2) names.emplace(line_words[0], line_words[1]);
  });
  for (auto& socket : process.sockets)
    if (const auto name = names.find(socket.peer_address); name != names.end())
      socket.peer_name = name->second;
  if (result.end == os::ProgramResult::End::timed_out)
    throw Error(ErrorCode::budget, "the resolver did not answer within 5 s",
                "run it without --resolve");
}

void check(const Options& options) {
  if (options.target.empty() && !options.all)
    throw Error(ErrorCode::usage, "fds: no target given",
                "name a process: triage fds 4127, name:server.js, port:3000, or use --all");
  if (options.who <= 0ms) return;
  if (options.all)
    throw Error(ErrorCode::usage, "fds: --who looks into one process, not into --all");
  if (!options.allow_inspector)
    throw Error(ErrorCode::refused, "fds: --who needs the V8 inspector of the target",
                "add --allow-inspector: it sends SIGUSR1 when no inspector is open");
}

}  // namespace

Sample collect(const Options& options, Session& session) {
  check(options);
  const os::Procfs procfs;
  const auto found = find_processes(procfs, options);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = options.all ? fmt::format("all Node.js processes ({})", found.size())
                              : os::describe_process(found.front());
  session.progress(fmt::format("reading the descriptors of {}", sample.target));
  const Depth depth{options.owners, options.list};
  for (const auto& process : found) {
    std::vector<Gap> ended;  // of many, one may end meanwhile
    if (found.size() == 1)
      sample.processes.push_back(read_process(procfs, process, depth, session));
    else if (auto read = attempt(ended, "process",
                                 [&] { return read_process(procfs, process, depth, session); }))
      sample.processes.push_back(std::move(*read));
  }
  const Duration start = session.clock().monotonic();
  if (options.duration > 0ms) watch_counts(procfs, options, session, sample.processes);
  if (options.who > 0ms)
    sample.processes.front().open_calls = attempt(sample.processes.front().gaps, "open_calls", [&] {
      const auto count = [&] {
        const Duration now = session.clock().monotonic() - start;
        add_point(procfs, now, sample.processes.front());
      };
      return watch_open_calls(procfs, found.front(), options.who, count, session);
    });
  const Duration between = session.clock().monotonic() - start;
  for (auto& process : sample.processes) {
    const auto info = std::find_if(found.begin(), found.end(), [&](const os::ProcessInfo& one) {
      return one.id.pid == process.pid;
    });
    if (options.duration > 0ms || options.who > 0ms)
      look_again(procfs, *info, depth, between, session, process);
    join_rounds(info->id, session, process);
    if (options.resolve)
      attempt(process.gaps, "peers.name", [&] {
        resolve_peers(session, process);
        return true;
      });
  }
  read_host(procfs, sample);
  return sample;
}

}  // namespace triage::probes::fds
