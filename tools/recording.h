#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/json.h"
#include "lib/base/redact.h"
#include "lib/probes/outcome.h"
#include "lib/probes/probe.h"
#include "lib/store/bundle.h"

namespace triage {

/// What stands between a command and its probes: asks them, asks them and keeps what they read
/// (--record), or gives what was kept (--replay). The analysis is the same code each time, so the
/// same record gives the same bytes. This class only asks.
class Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;

  /// The outcome of one use of a probe; `with` (JSON) tells uses of one probe apart. Called from
  /// several threads at once.
  virtual Outcome answer(std::string_view use, const std::string& with, probes::Call& call,
                         Session& session);
  /// Something else that a replay needs: "header", "runbook", "collection", "end".
  virtual void keep(std::string_view name, const Json& value);
  /// What keep() got when this was recorded; nullptr when it was not, or is lost.
  [[nodiscard]] virtual const Json* kept(std::string_view name) const;
};

/// Writes a bundle. Secrets are masked before anything is analysed, so that a replay sees what the
/// first run saw.
class Recorder final : public Recording {
 public:
  Recorder(const std::string& path, bool redact_addresses)
      : writer_(path), redactor_({true, redact_addresses}) {}
  Outcome answer(std::string_view use, const std::string& with, probes::Call& call,
                 Session& session) override;
  void keep(std::string_view name, const Json& value) override;

 private:
  Json masked(const Json& value);
  void write(std::string_view name, const Json& value);

  std::mutex mutex_;
  store::BundleWriter writer_;
  Redactor redactor_;
};

/// Reads a bundle. What is damaged is named by lost(); a probe whose entry is lost fails.
class Replay final : public Recording {
 public:
  /// Throws Error{not_found} or Error{malformed}.
  explicit Replay(const std::string& path);
  Outcome answer(std::string_view use, const std::string& with, probes::Call& call,
                 Session& session) override;
  [[nodiscard]] const Json* kept(std::string_view name) const override;
  [[nodiscard]] const std::vector<std::string>& lost() const { return lost_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] const Json* find(std::string_view use, const std::string& with) const;

  std::string path_;
  std::map<std::string, Json, std::less<>> entries_;
  std::vector<std::string> lost_;
};

}  // namespace triage
