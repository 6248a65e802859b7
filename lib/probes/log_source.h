#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/session.h"
#include "lib/os/fd.h"

namespace triage::probes::logs {

/// A local file or stdin ("-") that can be read twice: once at its end for the time of the last
/// line, once as a whole. Pipes are first written to an unnamed temporary file for that. Reads in
/// blocks: a file that is truncated meanwhile is no accident, and memory stays bounded.
class LogSource {
 public:
  /// Gets each line without its end; false stops the reading.
  using OnLine = std::function<bool(std::string_view)>;

  static constexpr std::size_t longest_line = std::size_t{1}
                                              << 20U;  ///< bytes; the rest is skipped

  /// Files packed with gzip or Zstandard are unpacked into an unnamed temporary file. Throws
  /// Error{not_found}, {refused} without permission, {usage} for a folder or terminal, {malformed}
  /// for one of another packing or that cannot be unpacked at all.
  LogSource(std::string name, Session& session);

  /// What the journal has of a systemd unit between two times (milliseconds since the epoch), by
  /// `journalctl -o json`. Throws Error{not_found} without journalctl or such a unit, {refused},
  /// {budget} when it does not end.
  static LogSource of_journal(const std::string& unit, std::int64_t from_ms, std::int64_t to_ms,
                              Session& session);

  struct Reading {
    std::int64_t bytes = 0;
    std::int64_t lines_count = 0;
    std::int64_t cut_count = 0;   ///< lines longer than longest_line
    std::int64_t zero_bytes = 0;  ///< NUL: none in text
    bool complete = true;         ///< false: cancelled or stopped
  };

  [[nodiscard]] const std::string& name() const { return name_; }
  /// All lines, from the first. Throws Error{refused} when the disk does not give them.
  Reading read(const OnLine& on_line, const Session& session);
  /// The last lines: about `bytes`, the first one may be cut.
  void read_tail(std::size_t bytes, const OnLine& on_line);
  /// Seconds since the epoch when the file was last written; 0 for stdin.
  [[nodiscard]] std::int64_t changed_s() const { return changed_s_; }
  /// Why the end of a packed file could not be unpacked; empty when it could.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  LogSource(std::string name, os::Fd fd) : name_(std::move(name)), fd_(std::move(fd)) {}
  void spool(Session& session);
  void check_format(Session& session);
  void unpack(Session& session);
  std::size_t read_at(char* target, std::size_t size, std::int64_t offset) const;

  std::string name_;
  os::Fd fd_;
  std::int64_t changed_s_ = 0;
  std::string problem_;
};

/// The whole text of a small file. Throws like LogSource, and Error{usage} above 1 MiB.
std::string read_small_file(const std::string& path);

}  // namespace triage::probes::logs
