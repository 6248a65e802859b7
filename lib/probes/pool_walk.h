#pragma once

/// Finds the pools of a running Node.js process through its inspector and watches them.
///
///   AppWatch watch(inspector, pid, 50ms, session);   // walks
///   while (...) watch.look();                        // well below a millisecond each
///   watch.give(pools, walks);
///
/// From the sockets that are open (process._getActiveHandles()) it goes through listeners, the
/// variables in their scopes and what they are bound to, along edges that are known per library.
/// The heap is never walked (Runtime.queryObjects), nothing of the application is called. Work is
/// cut into pieces of a few milliseconds, between which the application runs.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "lib/base/json.h"
#include "lib/base/session.h"
#include "lib/os/procfs.h"
#include "lib/probes/pool_app.h"

namespace triage::v8 {
class Inspector;
}

namespace triage::probes::pool {

class AppWatch {
 public:
  /// Throws what Inspector throws; Error{refused} when one piece took longer than `pause_budget`.
  AppWatch(v8::Inspector& inspector, const os::Procfs& procfs, pid_t pid,
           std::chrono::milliseconds pause_budget, Session& session);
  AppWatch(const AppWatch&) = delete;
  AppWatch& operator=(const AppWatch&) = delete;
  /// Lets go of what the inspector held for it.
  ~AppWatch();

  /// Reads all pools that were found.
  void look();
  [[nodiscard]] Duration last_look() const { return last_look_; }
  void give(std::vector<AppPool>& pools, std::vector<AppWalk>& walks) const;

 private:
  struct Seen {
    AppPool pool;
    Duration first{0};
    std::map<std::int64_t, std::int64_t> first_marks;  ///< of the check-out, by client
    std::int64_t first_waiting = 0;
    std::optional<std::int64_t> first_returns;
    double checked_out_sum = 0;
    double waiting_sum = 0;
    std::int64_t clients_sum = 0;
    std::int64_t busy_sum = 0;
  };
  Json request(const std::string& method, Json params);
  std::string evaluate(const char* script);
  [[nodiscard]] double thread_ms() const;
  void spent(double clock_ms, double thread_before_ms, bool least);
  void walk(const std::string& roots);
  std::vector<std::string> expand(const std::vector<std::string>& things, bool& more);
  std::vector<std::string> scopes_of(const std::vector<std::string>& functions);
  std::vector<Json> properties_of(const std::vector<std::string>& ids);
  void describe(const Json& json, AppPool& pool) const;
  void take_clients(const Json& json, bool first, Seen& seen) const;
  void take(const Json& json);

  v8::Inspector& inspector_;
  const os::Procfs& procfs_;
  Session& session_;
  double budget_ms_;
  AppWalk walk_;
  std::string state_;
  std::size_t batch_ = 10;
  Duration last_look_{0};
  std::map<std::int64_t, Seen> seen_;
};

}  // namespace triage::probes::pool
