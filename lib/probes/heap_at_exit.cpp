#include "lib/probes/heap_at_exit.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "lib/base/units.h"
#include "lib/os/target.h"
#include "lib/probes/heap_text.h"
#include "lib/probes/left_files.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace triage::probes::heap_snapshot {
namespace {

constexpr auto look_every = std::chrono::milliseconds(200);

bool still_runs(const os::Procfs& procfs, const os::ProcessIdentity& id) {
  std::vector<Gap> ignored;
  return attempt(ignored, "state",
                 [&] {
                   const os::ProcessInfo now = procfs.process(id.pid);
                   return now.id == id && now.state != 'Z' && now.state != 'X';
                 })
      .value_or(false);
}

void wait_for_end(const os::Procfs& procfs, const os::ProcessIdentity& id, const LeftFiles& left,
                  Session& session, Sample& sample) {
  const Duration start = session.clock().monotonic();
  while (!session.cancelled()) {
    sample.ended = !still_runs(procfs, id);
    if (sample.ended) return;
    const auto files = left.list();
    const auto own = std::count_if(files.begin(), files.end(),
                                   [](const LeftFile& file) { return file.of_target; });
    const double waited_s =
        std::chrono::duration<double>(session.clock().monotonic() - start).count();
    session.progress(fmt::format("waiting for the end of {} for {}; files of Node.js: {}",
                                 sample.target, format_duration(waited_s), own));
    std::this_thread::sleep_for(look_every);
  }
}

void read_profile(const std::string& path, FileRow& row, Sample& sample) {
  sample.sites = heap_sample::read_profile(path);
  for (const auto& site : sample.sites) row.total_bytes += site.bytes;
}

void read_snapshot_file(const Options& options, const std::string& path, FileRow& row,
                        Sample& sample) {
  std::uint64_t size = 0;
  v8::HeapSnapshot snapshot = v8::read_heap_snapshot(path, size, v8::WhenCut::keep);
  if (snapshot.cut)
    row.cut =
        fmt::format("it ends at byte {}; triage heap show says what is whole", snapshot.cut->bytes);
  if (!snapshot.cut || snapshot.cut->edges_whole()) {
    summarise(snapshot, options, row, sample);
    return;
  }
  row.nodes_count = signed_count(snapshot.node_count());
  row.edges_count = signed_count(snapshot.edge_count());
}

void read_left(const Options& options, const LeftFile& file, const std::string& path,
               Session& session, Sample& sample) {
  FileRow row;
  row.file = file.file;
  row.at = file.written_at;
  row.file_bytes = row.snapshot_bytes = file.bytes;
  session.progress("reading " + file.file);
  const bool read = attempt(sample.gaps, "files", [&] {
                      if (is_profile(file.file))
                        read_profile(path, row, sample);
                      else
                        read_snapshot_file(options, path, row, sample);
                      return true;
                    }).has_value();
  if (!read) row.cut = file.state == "empty" ? "it is empty" : sample.gaps.back().why;
  session.touch({"file of Node.js", file.file, 1, 0});
  sample.files.push_back(std::move(row));
}

}  // namespace

Sample collect_at_exit(const Options& options, Session& session) {
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  sample.at_exit = true;
  const LeftFiles left(procfs, process, session.clock());
  sample.flags = left.flags();
  wait_for_end(procfs, process.id, left, session, sample);
  auto files = left.list();
  std::reverse(files.begin(), files.end());
  for (const auto& file : files)
    if (file.of_target) read_left(options, file, left.readable(file), session, sample);
  session.touch({fmt::format("/proc/{}", sample.pid), "stat, status, environ, cwd", 1, 0});
  return sample;
}

void judge_at_exit(Result& result) {
  Envelope& envelope = result.envelope;
  const bool armed = !result.flags.empty();
  if (!result.ended)
    envelope.find("still_runs", Severity::unknown,
                  fmt::format("the process still runs; {} files of Node.js are there so far",
                              result.files.size()));
  if (result.files.empty() && result.ended)
    envelope.find("no_file", Severity::unknown,
                  fmt::format("the process ended and left no heap snapshot; {}",
                              armed ? "it ended before it came near its heap limit, or was killed "
                                      "from outside"
                                    : "it was started without the options that write one: "
                                      "NODE_OPTIONS='--heapsnapshot-near-heap-limit=2 "
                                      "--diagnostic-dir=/var/tmp'"));
  for (const auto& row : result.files)
    if (!row.cut.empty())
      envelope.find("cut", Severity::unknown, fmt::format("{}: {}", row.file, row.cut));
  if (!result.files.empty() && result.ended)
    envelope.find("left", Severity::info,
                  fmt::format("the process ended and left {} files, the last of {}",
                              result.files.size(), bytes_text(result.files.back().total_bytes)));
}

}  // namespace triage::probes::heap_snapshot
