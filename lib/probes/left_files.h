#pragma once

/// Heap snapshots and sampling profiles that Node.js writes by itself, because of
/// --heapsnapshot-near-heap-limit, --heapsnapshot-signal, --heap-prof or the calls of its module
/// v8: "Heap.20261124.020431.4127.0.001.heapsnapshot" and ".heapprofile" with the pid, the thread
/// and a number (Node.js documentation, CLI options), in the working directory, --diagnostic-dir or
/// --heap-prof-dir of the process.
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/os/fd.h"
#include "lib/os/procfs.h"

namespace triage::probes {

struct LeftFile {
  std::string file;
  std::string written_at;  ///< RFC 3339 UTC, its last change
  std::int64_t bytes = 0;
  std::int64_t of_pid = 0;  ///< by its name, in the pid namespace of the process; 0: it tells none
  bool of_target = false;   ///< of this process, not of one before it
  std::string state;        ///< whole, empty or unfinished (still being written, or cut)
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const LeftFile* /*tag*/) {
  visit("file", self.file, "the file");
  visit("written_at", self.written_at, "its last change");
  visit("bytes", self.bytes, "its size");
  visit("of_pid", self.of_pid, "process that wrote it, by its name; 0: it tells none");
  visit("of_target", self.of_target, "whether this process wrote it, not one before it");
  visit("state", self.state, "whole, empty or unfinished: still being written, or cut");
}

[[nodiscard]] bool is_profile(const std::string& file);  ///< a sampling profile, no snapshot

/// The directories stay open: the files can be read when the process is gone.
class LeftFiles {
 public:
  /// A directory that cannot be opened has no files. Throws Error when the process is gone.
  LeftFiles(const os::Procfs& procfs, const os::ProcessInfo& process, const Clock& clock);

  [[nodiscard]] std::vector<LeftFile> list() const;  ///< newest first, at most 20
  /// The options of the process by which it writes such files; a call of its own code is not seen.
  [[nodiscard]] const std::vector<std::string>& flags() const { return flags_; }
  /// Where to read it now, also when the process that named it is gone.
  [[nodiscard]] std::string readable(const LeftFile& file) const;

 private:
  struct Directory {
    os::Fd fd;
    std::string path;
  };
  void open(const os::Procfs& procfs, pid_t pid, const std::string& directory);
  void add(const Directory& directory, std::vector<LeftFile>& files) const;

  std::vector<Directory> directories_;
  std::vector<std::string> flags_;
  std::string profile_name_;  ///< --heap-prof-name
  std::int64_t pid_ = 0;      ///< in its own namespace
  WallTime started_;
};

}  // namespace triage::probes
