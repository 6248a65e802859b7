#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/os/procfs.h"

namespace triage::os {

/// What /proc/<pid>/fdinfo/<n> says (proc(5); fs/eventpoll.c, fs/notify/fdinfo.c).
struct DescriptorInfo {
  std::optional<std::uint32_t> flags;  ///< as open(2) takes them
  std::optional<std::int64_t> position;
  std::vector<int> watched;  ///< epoll: the descriptors that it watches
  std::int64_t inotify_watches = 0;
  bool truncated = false;  ///< the text was longer than what is read

  /// False when a child process would inherit the descriptor.
  [[nodiscard]] bool close_on_exec() const;
};

/// "pos:\t0\nflags:\t02000002\nmnt_id:\t15\ntfd: 19 events: 19 data: 13 pos:0 ino:2f sdev:8\n"
DescriptorInfo parse_descriptor_info(std::string_view text);

/// Reads at most 1 MiB: an epoll descriptor has a line for each one that it watches. Nothing when
/// the descriptor was closed meanwhile.
std::optional<DescriptorInfo> read_descriptor_info(const Procfs& procfs, pid_t pid, int number);

}  // namespace triage::os
