#include "lib/probes/pool_observe.h"

#include <fmt/format.h>

#include <thread>

#include "lib/base/clock.h"
#include "lib/os/descriptor_holders.h"
#include "lib/os/target.h"

namespace triage::probes::pool {
namespace {

using namespace std::chrono_literals;

constexpr auto look_period = 100ms;
constexpr auto worker_watch = 500ms;
constexpr auto answer_limit = 2s;

bool is_node(const os::ProcessInfo& process) {
  if (process.arguments.empty()) return false;
  const std::string& program = process.arguments.front();
  const std::size_t slash = program.rfind('/');
  return program.substr(slash == std::string::npos ? 0 : slash + 1).rfind("node", 0) == 0;
}

/// The target last, since it is watched longest.
std::vector<os::ProcessInfo> family(const os::Procfs& procfs, const os::ProcessInfo& target) {
  constexpr std::size_t most = 64;
  std::vector<os::ProcessInfo> all;
  std::vector<Gap> vanished;
  std::vector<pid_t> open{target.id.pid};
  while (!open.empty() && all.size() < most) {
    const pid_t parent = open.back();
    open.pop_back();
    const auto children =
        attempt(vanished, "children", [&] { return os::children_of(procfs, parent); });
    if (!children) continue;
    for (const pid_t pid : *children) {
      const auto process = attempt(vanished, "process", [&] { return procfs.process(pid); });
      if (!process || !is_node(*process)) continue;
      all.push_back(*process);
      open.push_back(pid);
    }
  }
  all.push_back(target);
  return all;
}

}  // namespace

AppObserver::AppObserver(const Options& options, const os::Procfs& procfs,
                         const os::ProcessInfo& target, Session& session, Sample& sample)
    : options_(options), procfs_(procfs), session_(session) {
  const auto processes = family(procfs, target);
  for (const auto& process : processes) {
    if (session.cancelled()) return;
    finish(sample);
    open(process, sample);
    if (&process == &processes.back() || !watch_) continue;
    const Duration end = session.clock().monotonic() + worker_watch;
    while (session.clock().monotonic() < end && !session.cancelled()) {
      std::this_thread::sleep_for(look_period / 2);
      look(sample);
    }
  }
}

AppObserver::~AppObserver() = default;

void AppObserver::open(const os::ProcessInfo& process, Sample& sample) {
  session_.progress("looking for the pools of " + os::describe_process(process));
  attempt(sample.gaps, "app_pools", [&] {
    inspector_ = std::make_unique<v8::Inspector>(
        procfs_, process, v8::InspectorOptions{options_.allow_inspector, answer_limit}, session_);
    watch_ = std::make_unique<AppWatch>(*inspector_, procfs_, process.id.pid, options_.pause_budget,
                                        session_);
    watch_->look();
    return true;
  });
  if (!watch_) inspector_.reset();
}

void AppObserver::look(Sample& sample) {
  if (!watch_ || session_.clock().monotonic() - watch_->last_look() < look_period) return;
  const auto looked = attempt(sample.gaps, "app_pools", [&] {
    watch_->look();
    return true;
  });
  if (!looked) finish(sample);
}

void AppObserver::finish(Sample& sample) {
  if (watch_) watch_->give(sample.app_pools, sample.app_walks);
  watch_.reset();
  inspector_.reset();
}

}  // namespace triage::probes::pool
