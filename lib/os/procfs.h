#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/os/fd.h"

namespace triage::os {

/// A process and the moment it started: a pid that was used again is another process.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< /proc/<pid>/stat field 22, clock ticks since boot (proc(5))
  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// What /proc says of a process without any privilege.
struct ProcessInfo {
  ProcessIdentity id;
  std::string name;                    ///< comm, at most 15 bytes
  std::vector<std::string> arguments;  ///< empty for kernel threads and zombies
  char state = '?';                    ///< R S D T Z ... (proc(5))
  pid_t parent = 0;
  std::uint32_t uid = 0;  ///< effective
};

/// Reads a proc tree. `root` is "/proc", or a copied tree in tests. Reads are relative to one open
/// directory per process, so that a process which replaced the target meanwhile is not read.
/// Every read throws Error{not_found} for a process that is gone, Error{refused} without
/// permission.
class Procfs {
 public:
  explicit Procfs(std::string root = "/proc") : root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::vector<pid_t> pids() const;  ///< ascending
  [[nodiscard]] ProcessInfo process(pid_t pid) const;
  /// Opens /proc/<pid> and checks that it is still the same process.
  [[nodiscard]] Fd open_process(const ProcessIdentity& id) const;
  /// The whole text of /proc/<pid>/<file>.
  [[nodiscard]] std::string read(pid_t pid, const std::string& file) const;
  /// The whole text of a file that belongs to no process: "sys/fs/file-nr".
  [[nodiscard]] std::string read_file(const std::string& file) const;
  /// Throws Error{not_found} when the pid is gone or was used again.
  void check_same(const ProcessIdentity& id) const;

 private:
  std::string root_;
};

}  // namespace triage::os
