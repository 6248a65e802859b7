#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/os/descriptor_table.h"
#include "lib/os/target.h"
#include "lib/probes/fds.h"
#include "lib/probes/fds_process.h"

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
  sample.inotify_max_count =
      number_in(procfs, "sys/fs/inotify/max_user_instances", "inotify_max_count", sample.gaps);
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

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty() && !options.all)
    throw Error(ErrorCode::usage, "fds: no target given",
                "name a process: triage fds 4127, name:server.js, port:3000, or use --all");
  const os::Procfs procfs;
  const auto found = find_processes(procfs, options);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = options.all ? fmt::format("all Node.js processes ({})", found.size())
                              : os::describe_process(found.front());
  session.progress(fmt::format("reading the descriptors of {}", sample.target));
  for (const auto& process : found)
    sample.processes.push_back(read_process(procfs, process, options.owners, session));
  if (options.duration > 0ms) {
    watch_counts(procfs, options, session, sample.processes);
    for (std::size_t i = 0; i < found.size(); ++i) {
      ProcessSample last = read_process(procfs, found[i], options.owners, session);
      last.before = std::move(sample.processes[i].descriptors);
      last.points = std::move(sample.processes[i].points);
      last.listen_before = sample.processes[i].listen_before;
      sample.processes[i] = std::move(last);
    }
  }
  read_host(procfs, sample);
  return sample;
}

}  // namespace triage::probes::fds
