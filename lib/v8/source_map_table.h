#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "lib/v8/source_map.h"
#include "lib/v8/stack_frame.h"

namespace triage::v8 {

/// The source maps of one process's scripts, each read once: from the script's own comment, or from
/// the file that it names. A map that cannot be had or read leaves the frame as it is.
class SourceMapTable {
 public:
  /// `root`: where the process's files are ("/proc/4127/root"), for one in a container.
  explicit SourceMapTable(std::string root) : root_(std::move(root)) {}

  /// Sets the original place of a frame. `comment`: what stands behind sourceMappingURL=.
  void apply(StackFrame& frame, const std::string& comment);

 private:
  struct Entry {
    std::size_t comment_size = 0;
    std::optional<SourceMap> map;
    std::string base;  ///< sources are relative to it
  };
  Entry& entry(const std::string& script, const std::string& comment);

  std::string root_;
  std::map<std::string, Entry> entries_;  ///< by script path
};

}  // namespace triage::v8
