#include "lib/probes/lag_stacks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace triage::probes::lag {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::uint32_t samples_per_second = 997;
/// A thread that is armed and gives no sample for so long has gone to sleep.
constexpr std::int64_t sample_wait_ns = 4 * millisecond;
constexpr std::chrono::milliseconds stop_timeout{100};
/// Stacks of one stall in memory; beyond it every second one is dropped.
constexpr std::size_t most_stacks = 128;
/// Different stacks that one stall tells apart.
constexpr std::size_t most_kinds = 6;
constexpr std::size_t most_frames = 96;
constexpr std::size_t frames_below_culprit = 16;

std::int64_t pause_after(std::int64_t looks) {
  if (looks < 8) return 2 * millisecond;
  return (looks < 40 ? 10 : 50) * millisecond;
}

/// What counts together: one function of the user in one activity, on a CPU or waiting in one call.
using StackKey = std::tuple<std::string, std::string, std::string, std::string, std::int64_t>;

StackKey key_of(const std::string& call, const std::vector<v8::StackFrame>& frames) {
  const int culprit = v8::culprit_of(frames);
  const std::string word = v8::activity_of(frames);
  if (culprit < 0) return {call, word, {}, {}, 0};
  const auto& frame = frames[static_cast<std::size_t>(culprit)];
  return {call, word, frame.url, frame.function,
          frame.function_line.value_or(0) << 20U | frame.function_column.value_or(0)};
}

/// The place that ran in the user's function, to find the one that ran most often.
std::pair<std::int64_t, std::int64_t> place_in_culprit(const std::vector<v8::StackFrame>& frames) {
  const int culprit = v8::culprit_of(frames);
  if (culprit < 0) return {0, 0};
  const auto& frame = frames[static_cast<std::size_t>(culprit)];
  return {frame.line.value_or(0), frame.column.value_or(0)};
}

void trim(std::vector<v8::StackFrame>& frames) {
  const auto culprit = static_cast<std::size_t>(std::max(v8::culprit_of(frames), 0));
  const std::size_t kept =
      std::min(most_frames, std::max<std::size_t>(culprit, 32) + frames_below_culprit);
  if (frames.size() > kept) frames.resize(kept);
}

}  // namespace

StackSource::StackSource(pid_t pid, bool stop, const Clock& clock)
    : reader_(pid), stop_(stop), clock_(clock) {
  // sorts the symbols of the program now, not while the first stall runs
  (void)reader_.code().symbol(reader_.code().module().bias);
}

std::unique_ptr<os::PerfStackSampler> StackSource::sampler(pid_t tid) {
  if (!refusals_.empty()) return nullptr;
  os::PerfStackSampler::Settings settings;
  settings.frequency = samples_per_second;
  settings.start_enabled = false;
  auto made = attempt(refusals_, "culprits",
                      [&] { return std::make_unique<os::PerfStackSampler>(tid, settings); });
  std::erase_if(refusals_, [](const Gap& gap) { return gap.code == "not_found"; });
  return made ? std::move(*made) : nullptr;
}

std::optional<v8::Stack> StackSource::stopped(pid_t tid) {
  if (!stop_) return std::nullopt;
  std::vector<Gap> gone;
  Duration pause{};
  auto stack =
      attempt(gone, "stack", [&] { return reader_.stopped(tid, stop_timeout, clock_, pause); });
  tally_.longest_pause = std::max(tally_.longest_pause, pause);
  return stack;
}

void StackSource::count(const v8::Stack& stack) {
  ++tally_.stacks_count;
  tally_.objects_count += stack.objects_count;
  tally_.failed_count += stack.failed_count;
}

int ThreadStacks::ready_descriptor() const {
  return armed_ && sampler_ ? sampler_->fd() : -1;
}

void ThreadStacks::keep(std::int64_t time_ns, std::string call, v8::Stack stack) {
  source_.count(stack);
  trim(stack.frames);
  if (stack.frames.empty()) return;
  if (taken_.size() >= most_stacks) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < taken_.size(); i += 2) taken_[kept++] = std::move(taken_[i]);
    taken_.resize(kept);
  }
  taken_.push_back({time_ns, std::move(call), std::move(stack)});
}

void ThreadStacks::drain() {
  if (!armed_ || !sampler_) return;
  bool first = true;
  sampler_->drain([&](const os::PerfStackSample& sample) {
    if (std::exchange(first, false))
      keep(static_cast<std::int64_t>(sample.time_ns), {}, source_.reader().sampled(sample));
  });
  if (first) return;
  sampler_->disable();
  armed_ = false;
}

void ThreadStacks::rest() {
  if (armed_ && sampler_) sampler_->disable();
  armed_ = false;
  next_ns_ = 0;
  looks_ = 0;
}

void ThreadStacks::look(std::int64_t now_ns, const os::ThreadFiles& files) {
  if (now_ns < next_ns_) return;
  const auto call = files.call();
  if (!call) return;
  if (call->running) {
    if (!armed_) sample_running(now_ns);
    next_ns_ = now_ns + std::max(pause_after(looks_++), armed_ ? sample_wait_ns : 0);
  } else {
    read_waiting(now_ns, *call, files);
    next_ns_ = now_ns + pause_after(looks_++);
  }
}

void ThreadStacks::sample_running(std::int64_t now_ns) {
  if (!sampler_) sampler_ = source_.sampler(tid_);
  if (sampler_) {
    sampler_->enable();
    armed_ = true;
  } else if (auto stack = source_.stopped(tid_)) {
    keep(now_ns, {}, std::move(*stack));
  }
}

void ThreadStacks::read_waiting(std::int64_t now_ns, const os::SyscallState& call,
                                const os::ThreadFiles& files) {
  auto stack = source_.reader().blocked(tid_, call);
  const auto after = files.call();
  // it went on while its stack was read
  if (!stack || !after || after->running || after->stack_pointer != call.stack_pointer ||
      after->program_counter != call.program_counter)
    return;
  keep(now_ns, call.number < 0 ? "page fault" : os::syscall_name(call.number), std::move(*stack));
}

void ThreadStacks::hand_over(ObservedStall& stall, std::int64_t start_ns, std::int64_t end_ns) {
  struct Kind {
    std::int64_t count = 0;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> places;
    std::vector<Taken*> members;
  };
  std::map<StackKey, Kind> kinds;
  for (auto& taken : taken_) {
    if (taken.time_ns < start_ns || taken.time_ns > end_ns) continue;
    Kind& kind = kinds[key_of(taken.call, taken.stack.frames)];
    ++kind.count;
    ++kind.places[place_in_culprit(taken.stack.frames)];
    kind.members.push_back(&taken);
  }
  for (auto& [key, kind] : kinds) {
    const auto rank = [&, &places = kind.places](const Taken* taken) {
      return std::tuple(taken->stack.failed_count == 0, taken->stack.complete,
                        places[place_in_culprit(taken->stack.frames)]);
    };
    Taken* best =
        *std::max_element(kind.members.begin(), kind.members.end(),
                          [&](const Taken* a, const Taken* b) { return rank(a) < rank(b); });
    stall.stacks.push_back(
        {kind.count, best->call, best->stack.complete, std::move(best->stack.frames)});
  }
  std::stable_sort(
      stall.stacks.begin(), stall.stacks.end(),
      [](const SeenStack& a, const SeenStack& b) { return a.samples_count > b.samples_count; });
  if (stall.stacks.size() > most_kinds) stall.stacks.resize(most_kinds);
  std::erase_if(taken_, [&](const Taken& taken) { return taken.time_ns <= end_ns; });
}

}  // namespace triage::probes::lag
