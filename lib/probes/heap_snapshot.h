#pragma once

/// `triage heap snapshot`: takes heap snapshots of a running Node.js process through its inspector.
///
/// V8 stops the process for the whole time, with every method there is, and needs several times the
/// heap as further memory: both are forecast and above the budget refused. The bytes are packed to
/// disk and parsed while they arrive, so that the summary is there with the last one. All snapshots
/// of one call are taken in one session, since ids of objects hold only within one.
///
/// With --at-exit nothing is asked of the process: when it has ended, the files are read that
/// Node.js wrote itself, near its heap limit or at its end.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/heap_rows.h"
#include "lib/probes/heap_sample.h"
#include "lib/report/report.h"

namespace triage::probes::heap_snapshot {

struct Options {
  std::string target;
  bool allow_inspector = false;
  bool allow_pause = false;
  std::chrono::milliseconds pause_budget{2000};
  std::int64_t count = 1;
  std::chrono::milliseconds every{30000};
  std::string out = ".";  ///< directory
  bool at_exit = false;   ///< wait for the end, and read what Node.js wrote itself
  std::int64_t top = 10;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct FileRow {
  std::string file;
  std::string at;
  std::optional<double> pause_s;  ///< the process stood still; unknown of Node.js' own files
  std::int64_t snapshot_bytes = 0;
  std::int64_t file_bytes = 0;  ///< packed
  std::int64_t nodes_count = 0;
  std::int64_t edges_count = 0;
  std::int64_t total_bytes = 0;
  std::string cut;  ///< what is missing of a file that ended too early
};

struct Sample {
  std::string at;
  std::string target;
  std::int64_t pid = 0;
  // of Node.js' own files there is no forecast
  std::optional<std::int64_t> heap_used_bytes;
  std::optional<double> slowness_ratio;  ///< how much longer JavaScript takes in the process now
  std::optional<double> forecast_pause_s;
  std::optional<std::int64_t> forecast_memory_bytes;
  std::optional<std::int64_t> free_memory_bytes;
  std::optional<std::int64_t> rss_before_bytes;
  std::optional<std::int64_t> rss_after_bytes;
  std::vector<FileRow> files;
  std::vector<ClassRow> classes;  ///< of the last one
  bool at_exit = false;
  bool ended = false;                    ///< with at_exit: the process did
  std::vector<std::string> flags;        ///< by which Node.js writes files itself
  std::vector<heap_sample::Site> sites;  ///< of its last sampling profile
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
};

/// Pause and further memory of one snapshot, from the heap in use.
struct Forecast {
  double pause_s = 0;
  std::int64_t memory_bytes = 0;
};
Forecast forecast_of(std::int64_t heap_used_bytes, double slowness = 1);

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FileRow* /*tag*/) {
  visit("file", self.file, "the snapshot, packed by Zstandard; or what Node.js wrote itself");
  visit("at", self.at, "when it was begun; of a file of Node.js its last change");
  visit("pause_s", self.pause_s, "the process stood still for so long; null for Node.js' own");
  visit("snapshot_bytes", self.snapshot_bytes, "as V8 wrote it");
  visit("file_bytes", self.file_bytes, "on disk");
  visit("nodes_count", self.nodes_count, "objects and V8's own parts");
  visit("edges_count", self.edges_count, "references");
  visit("total_bytes", self.total_bytes, "bytes of all nodes, or of all samples");
  visit("cut", self.cut, "what is missing of a file that ended too early; empty when whole");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("pid", self.pid, "process id");
  visit("heap_used_bytes", self.heap_used_bytes, "before the first snapshot");
  visit("slowness_ratio", self.slowness_ratio,
        "time of a fixed piece of JavaScript in the process, against an idle machine");
  visit("forecast_pause_s", self.forecast_pause_s, "expected pause per snapshot");
  visit("forecast_memory_bytes", self.forecast_memory_bytes, "expected further memory");
  visit("free_memory_bytes", self.free_memory_bytes, "of the control group or the host");
  visit("rss_before_bytes", self.rss_before_bytes, "resident before the first");
  visit("rss_after_bytes", self.rss_after_bytes, "resident after the last; V8 gives back late");
  visit("files", self.files, "oldest first");
  visit("classes", self.classes, "of the last snapshot, most retained first");
  visit("at_exit", self.at_exit, "whether it was waited for files that Node.js writes itself");
  visit("ended", self.ended, "whether the process ended meanwhile");
  visit("flags", self.flags, "options of the process by which Node.js writes such files");
  visit("sites", self.sites, "functions of its last sampling profile, most bytes first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_snapshot
