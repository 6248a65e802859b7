#pragma once

/// `triage logs --follow`: lines as they are written, from files that are rotated or truncated
/// meanwhile, stdin, a unit's journal and Loki.
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/gap.h"
#include "lib/base/session.h"
#include "lib/os/fd.h"
#include "lib/probes/log_signatures.h"
#include "lib/probes/logs.h"

namespace triage::probes::logs {

/// A source that is asked again and again.
class FollowedSource {
 public:
  using OnLine = std::function<void(std::string_view)>;

  FollowedSource() = default;
  FollowedSource(const FollowedSource&) = delete;
  FollowedSource& operator=(const FollowedSource&) = delete;
  virtual ~FollowedSource() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Gives the whole lines since the last call. Throws Error when the source cannot be read now.
  virtual void poll(const OnLine& on_line) = 0;
  /// Whether nothing more can come: the end of stdin.
  [[nodiscard]] virtual bool ended() const { return false; }
};

/// A file from its present end on. When another file takes its name (logrotate) the rest of the old
/// one is read first; when it becomes shorter (copytruncate) it is read from its start. A file that
/// is gone may come back. "-" is stdin, from what it gives now. Throws Error like LogSource.
std::unique_ptr<FollowedSource> follow_file(const std::string& name);
/// What journald gets for a unit from now on.
std::unique_ptr<FollowedSource> follow_journal(const std::string& unit, Session& session);
/// What Loki gets for a log query from now on, each line once. Lines that arrive up to 5 s after
/// their time stamp are found.
std::unique_ptr<FollowedSource> follow_loki(const Options& options, Session& session);

/// Streams the lines of all sources of the options until the session is cancelled, and gives what
/// they said as the sample of a window from now until then.
Sample follow(const Options& options, const std::vector<Signature>& table, Session& session);

}  // namespace triage::probes::logs
