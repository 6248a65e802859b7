#include "lib/diagnose/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "lib/base/json.h"
#include "lib/diagnose/relay.h"

namespace triage::diagnose {
namespace {

struct Finished {
  std::size_t step = 0;
  ProbeAnswer answer;
};

/// Where threads leave their answers. Shared, because a late one outlives the run.
class Mailbox {
 public:
  void put(Finished finished) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(finished));
    changed_.notify_one();
  }
  /// Everything that arrived, waiting at most `limit` for the first.
  std::deque<Finished> take(Duration limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return !queue_.empty(); });
    return std::exchange(queue_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Finished> queue_;
};

ProbeAnswer run_one(const Runner& runner, const std::string& use, const std::string& with,
                    Session& session) {
  try {
    return runner(use, with, session);
  } catch (const Error& error) {
    return {{}, Gap{{}, std::string(name_of(error.code())), error.what(), error.remedy()}};
  } catch (const std::exception& error) {
    return {{}, Gap{{}, "internal", error.what(), {}}};
  }
}

/// One run of the steps.
class Run {
 public:
  Run(const Runbook& runbook, const Inputs& inputs, const Runner& runner, Session& session)
      : runbook_(runbook), inputs_(inputs), runner_(runner), session_(session) {
    tasks_.resize(runbook.steps.size());
  }

  Collection go(const Questions& questions, Duration wall) {
    const Duration start = session_.clock().monotonic();
    // the last tenth is for those that stop when they are asked to
    soft_end_ = start + wall * 9 / 10;
    hard_end_ = start + wall;
    now_ = start;
    while (true) {
      start_ready(questions);
      if (running() == 0) break;
      const Duration limit =
          std::min(next_event() - now_, Duration(std::chrono::milliseconds(100)));
      const Duration before = session_.clock().monotonic();
      auto finished = mailbox_->take(std::max(limit, Duration(0)));
      // a clock that stands still (a test's) still lets the time pass that was waited
      now_ = std::max(session_.clock().monotonic(),
                      finished.empty() ? now_ + std::max(limit, Duration(0)) : before);
      for (auto& one : finished) settle(one.step, std::move(one.answer));
      enforce();
    }
    return finish();
  }

 private:
  struct Task {
    enum class Phase { waiting, running, settled };
    Phase phase = Phase::waiting;
    std::thread thread;
    std::shared_ptr<Relay> relay;
    Duration due{0};  ///< its own timeout
    bool asked = false;
    StepOutcome outcome;
    std::optional<Gap> gap;
  };

  [[nodiscard]] std::size_t running() const {
    return static_cast<std::size_t>(std::count_if(tasks_.begin(), tasks_.end(), [](const Task& t) {
      return t.phase == Task::Phase::running;
    }));
  }

  [[nodiscard]] Duration next_event() const {
    Duration next = now_ < soft_end_ ? soft_end_ : hard_end_;
    for (const auto& task : tasks_)
      if (task.phase == Task::Phase::running && !task.asked) next = std::min(next, task.due);
    return next;
  }

  /// Steps with `when` or `take` wait for all before them: these may read any.
  [[nodiscard]] bool ready(std::size_t i) const {
    if (tasks_[i].phase != Task::Phase::waiting) return false;
    if (!runbook_.steps[i].when.given() && runbook_.steps[i].take.empty()) return true;
    return std::all_of(tasks_.begin(), tasks_.begin() + static_cast<std::ptrdiff_t>(i),
                       [](const Task& t) { return t.phase == Task::Phase::settled; });
  }

  void start_ready(const Questions& questions) {
    bool again = true;
    while (again) {
      again = false;
      for (std::size_t i = 0; i < tasks_.size(); ++i) {
        if (!ready(i) || running() >= static_cast<std::size_t>(runbook_.parallel)) continue;
        begin(i, questions);
        again = again || tasks_[i].phase == Task::Phase::settled;
      }
    }
  }

  void begin(std::size_t i, const Questions& questions) {
    const Step& step = runbook_.steps[i];
    for (const auto& input : step.needs)
      if (!inputs_.contains(input))
        return skip(
            i, Gap{step.id, "usage", fmt::format("the input '{}' was not given", input),
                   step.remedy.empty() ? fmt::format("give it with --{}", input) : step.remedy});
    if (now_ >= soft_end_)
      return skip(i, Gap{step.id, "budget", "the time limit of the run was used up before it", {}});
    if (step.when.given() && !questions.condition(step, documents_of(runbook_, so_far())))
      return skip(i, std::nullopt);
    Task& task = tasks_[i];
    std::string with = options_of(step, inputs_);
    if (!step.take.empty()) {
      try {
        Json options = parse_json(with, step.id);
        options.update(
            parse_json(questions.taken(step, documents_of(runbook_, so_far())), step.id));
        task.outcome.with = with = dump_json(options);
      } catch (const Error& error) {
        return skip(i, Gap{step.id, std::string(name_of(error.code())), error.what(), step.remedy});
      }
    }
    task.relay = std::make_shared<Relay>(session_);
    task.relay->session().set_deadline(deadline_of(step) - now_);
    task.due = deadline_of(step);
    task.phase = Task::Phase::running;
    session_.progress(fmt::format("{} ({}) ...", step.title, step.use));
    task.thread = std::thread([mailbox = mailbox_, relay = task.relay, runner = runner_, i,
                               use = step.use, with = std::move(with)] {
      mailbox->put({i, run_one(runner, use, with, relay->session())});
    });
  }

  [[nodiscard]] Duration deadline_of(const Step& step) const {
    return step.timeout.count() > 0 ? std::min(soft_end_, now_ + Duration(step.timeout))
                                    : soft_end_;
  }

  void skip(std::size_t i, std::optional<Gap> gap) {
    Task& task = tasks_[i];
    task.phase = Task::Phase::settled;
    task.outcome = {StepOutcome::State::skipped, {}, gap ? gap->why : "its condition is not true"};
    task.gap = std::move(gap);
  }

  void settle(std::size_t i, ProbeAnswer answer) {
    Task& task = tasks_[i];
    if (task.phase != Task::Phase::running) return;
    task.thread.join();
    task.phase = Task::Phase::settled;
    task.relay->merge_into_parent();
    if (!answer.document.empty() && Json::accept(answer.document)) {
      task.outcome = {StepOutcome::State::answered,
                      std::move(answer.document),
                      {},
                      std::move(task.outcome.with),
                      std::move(answer.drawings)};
    } else {
      if (!answer.gap) answer.gap = Gap{{}, "malformed", "the probe gave no document", {}};
      answer.gap->what = runbook_.steps[i].id;
      task.outcome = {StepOutcome::State::failed, {}, answer.gap->why};
      task.gap = std::move(answer.gap);
    }
    session_.progress(fmt::format("{} ({}) {}", runbook_.steps[i].title, runbook_.steps[i].use,
                                  name_of(task.outcome.state)));
  }

  void enforce() {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      Task& task = tasks_[i];
      if (task.phase != Task::Phase::running) continue;
      if (!task.asked && (now_ >= task.due || session_.cancelled())) {
        task.relay->session().cancel();
        task.asked = true;
        // after its own timeout a probe has as long as the others have at the end of the run
        task.due = std::min(hard_end_, now_ + (hard_end_ - soft_end_));
      } else if (task.asked && now_ >= task.due) {
        abandon(i);
      }
    }
  }

  void abandon(std::size_t i) {
    Task& task = tasks_[i];
    task.relay->merge_into_parent();
    task.relay->detach();
    task.thread.detach();
    task.phase = Task::Phase::settled;
    task.outcome = {StepOutcome::State::late, {}, "it did not end within the time limit"};
    task.gap = Gap{runbook_.steps[i].id, "budget", "it did not end within the time limit",
                   runbook_.steps[i].remedy.empty() ? "give the run more time: --limit"
                                                    : runbook_.steps[i].remedy};
    abandoned_ = true;
  }

  [[nodiscard]] Collection so_far() const {
    Collection collection;
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      collection.steps[runbook_.steps[i].id] = tasks_[i].outcome;
    return collection;
  }

  Collection finish() {
    Collection collection = so_far();
    for (auto& task : tasks_)
      if (task.gap) collection.gaps.push_back(std::move(*task.gap));
    collection.abandoned = abandoned_;
    return collection;
  }

  const Runbook& runbook_;
  const Inputs& inputs_;
  const Runner& runner_;
  Session& session_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::vector<Task> tasks_;
  Duration soft_end_{0};
  Duration hard_end_{0};
  Duration now_{0};
  bool abandoned_ = false;
};

std::string replaced(std::string text, const Inputs& inputs) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const auto found = inputs.find(text.substr(at + 2, end - at - 2));
    const std::string value =
        found == inputs.end() ? "" : fmt::format("{}", fmt::join(found->second, ","));
    text.replace(at, end + 1 - at, value);
    at += value.size();
  }
  return text;
}

/// "${db}" -> "db"; nothing for a text that is more than one placeholder.
std::optional<std::string> placeholder(const std::string& text) {
  if (!text.starts_with("${") || text.find('}') != text.size() - 1) return std::nullopt;
  return text.substr(2, text.size() - 3);
}

}  // namespace

std::string_view name_of(StepOutcome::State state) {
  switch (state) {
    case StepOutcome::State::answered:
      return "answered";
    case StepOutcome::State::failed:
      return "failed";
    case StepOutcome::State::skipped:
      return "skipped";
    case StepOutcome::State::late:
      return "late";
  }
  return "failed";
}

StepOutcome::State step_state_of(std::string_view name) {
  using State = StepOutcome::State;
  for (const State state : {State::answered, State::skipped, State::late})
    if (name == name_of(state)) return state;
  return State::failed;
}

std::string options_of(const Step& step, const Inputs& inputs) {
  const Json given = parse_json(step.with, "probes." + step.id + ".with");
  Json options = Json::object();
  for (const auto& [key, value] : given.items()) {
    if (!value.is_string()) {
      options[key] = value;
      continue;
    }
    const std::string text = value.get<std::string>();
    const auto name = placeholder(text);
    if (!name) {
      options[key] = replaced(text, inputs);
    } else if (const auto found = inputs.find(*name); found != inputs.end()) {
      options[key] = found->second.size() == 1 ? Json(found->second.front()) : Json(found->second);
    }
  }
  return dump_json(options);
}

Collection collect(const Runbook& runbook, const Inputs& inputs, const Runner& runner,
                   const Questions& questions, Session& session, std::chrono::milliseconds wall) {
  return Run(runbook, inputs, runner, session).go(questions, wall);
}

std::string documents_of(const Runbook& runbook, const Collection& collection,
                         const std::string& without) {
  std::string text = "{";
  for (const auto& step : runbook.steps) {
    const auto found = collection.steps.find(step.id);
    const bool there =
        found != collection.steps.end() && !found->second.document.empty() && step.id != without;
    text += fmt::format("{}\"{}\":{}", text.size() > 1 ? "," : "", step.id,
                        there ? found->second.document : "null");
  }
  return text + "}";
}

}  // namespace triage::diagnose
