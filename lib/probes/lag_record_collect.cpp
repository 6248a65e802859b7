#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "lib/base/error.h"
#include "lib/os/target.h"
#include "lib/os/thread_files.h"
#include "lib/os/thread_wait.h"
#include "lib/probes/lag_record.h"
#include "lib/v8/stack_reader.h"

namespace triage::probes::lag_record {
namespace {

constexpr std::size_t most_nodes = 200'000;
constexpr std::size_t most_samples = 1'000'000;

/// Merges stacks into the sample's tree.
class Tree {
 public:
  explicit Tree(Sample& sample, bool native) : sample_(sample), native_(native) {}

  void add(const v8::Stack& stack, std::int64_t time_ns) {
    sample_.objects_count += stack.objects_count;
    sample_.failed_count += stack.failed_count;
    if (stack.frames.empty() || sample_.nodes.size() > most_nodes ||
        sample_.order.size() >= most_samples)
      return;
    std::int64_t at = -1;
    for (std::size_t i = stack.frames.size(); i-- > 0;) {
      const v8::StackFrame& frame = stack.frames[i];
      if (native_ || i == 0 || v8::is_javascript(frame)) at = node(at, frame);
    }
    ++sample_.samples_count;
    ++sample_.nodes[static_cast<std::size_t>(at)].own_count;
    sample_.order.push_back(at);
    sample_.since_before_ms.push_back(
        static_cast<double>(std::max<std::int64_t>(time_ns - last_ns_, 0)) / 1e6);
    last_ns_ = std::max(last_ns_, time_ns);
    ++words_[v8::activity_of(stack.frames)];
  }
  void begin(std::int64_t now_ns) { last_ns_ = now_ns; }
  void finish() {
    for (const auto& [word, count] : words_) sample_.words.push_back({word, count});
    std::stable_sort(sample_.words.begin(), sample_.words.end(),
                     [](const WordCount& a, const WordCount& b) { return a.count > b.count; });
  }

 private:
  std::int64_t node(std::int64_t parent, const v8::StackFrame& frame) {
    const bool script = frame.kind == "js" || frame.kind == "wasm";
    const auto line = frame.function_line.value_or(0);
    const auto column = frame.function_column.value_or(0);
    const auto [found, fresh] =
        index_.try_emplace(std::tuple(parent, frame.kind, frame.function, frame.url, line, column),
                           static_cast<std::int64_t>(sample_.nodes.size()));
    if (!fresh) return found->second;
    std::string name = v8::function_of(frame);
    if (!script && frame.function.empty()) name = v8::describe_frame(frame);
    sample_.nodes.push_back(
        {parent, std::move(name), frame.kind, frame.url, line, column, frame.package, 0});
    return found->second;
  }

  using Key =
      std::tuple<std::int64_t, std::string, std::string, std::string, std::int64_t, std::int64_t>;
  Sample& sample_;
  bool native_;
  std::map<Key, std::int64_t> index_;
  std::map<std::string, std::int64_t> words_;
  std::int64_t last_ns_ = 0;
};

/// Takes the stacks of one thread at a steady rate.
class Recorder {
 public:
  Recorder(const Options& options, Sample& sample)
      : reader_(static_cast<pid_t>(sample.pid)),
        sampler_(static_cast<pid_t>(sample.tid), settings(options)),
        files_(static_cast<pid_t>(sample.pid), static_cast<pid_t>(sample.tid)),
        tree_(sample, options.native),
        sample_(sample),
        own_epoll_(sample.tid == sample.pid ? os::main_epoll_fd(static_cast<pid_t>(sample.pid))
                                            : -1) {}

  void run(const Options& options, Session& session) {
    const Clock& clock = session.clock();
    const auto period = std::chrono::nanoseconds(1'000'000'000 / options.rate);
    const Duration start = clock.monotonic();
    tree_.begin(start.count());
    Duration next = start + period;
    Duration now = start;
    while (!session.cancelled() && now - start < options.duration && alive_) {
      pollfd ready{sampler_.fd(), POLLIN, 0};
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - now);
      ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 1)));
      sampler_.drain([&](const os::PerfStackSample& taken) {
        tree_.add(reader_.sampled(taken), static_cast<std::int64_t>(taken.time_ns));
      });
      now = clock.monotonic();
      if (now < next) continue;
      look_at_wait(now.count());
      next = std::max(next + period, now);
      session.progress(fmt::format("{} stacks", sample_.samples_count));
    }
    sampler_.disable();
    sample_.window_ms = std::chrono::duration<double, std::milli>(now - start).count();
    sample_.lost_count = static_cast<std::int64_t>(sampler_.lost());
    tree_.finish();
  }
  [[nodiscard]] bool alive() const { return alive_; }

 private:
  static os::PerfStackSampler::Settings settings(const Options& options) {
    os::PerfStackSampler::Settings made;
    made.frequency = static_cast<std::uint32_t>(options.rate);
    return made;
  }

  /// perf sees threads on a CPU only: what this one waits in is read here.
  void look_at_wait(std::int64_t now_ns) {
    const auto call = files_.call();
    alive_ = call.has_value();
    if (!call || call->running) return;
    if (os::is_epoll_wait(*call)) {
      const auto fd = static_cast<int>(call->arguments[0]);
      if (own_epoll_ < 0) own_epoll_ = fd;
      if (fd == own_epoll_) {
        ++sample_.idle_count;
        return;
      }
    }
    const auto stack = reader_.blocked(static_cast<pid_t>(sample_.tid), *call);
    const auto after = files_.call();
    if (stack && after && !after->running && after->stack_pointer == call->stack_pointer)
      tree_.add(*stack, now_ns);
  }

  v8::StackReader reader_;
  os::PerfStackSampler sampler_;
  os::ThreadFiles files_;
  Tree tree_;
  Sample& sample_;
  int own_epoll_;
  bool alive_ = true;
};

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.target.empty())
    throw Error(ErrorCode::usage, "lag record: no target given",
                "name a process: triage lag record 4127, name:server.js or port:3000");
  if (options.rate < 1 || options.rate > 1000)
    throw Error(ErrorCode::usage, "--rate must be from 1 to 1000", "99 is usual");
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  sample.tid = options.thread != 0 ? options.thread : process.id.pid;
  sample.rate_per_s = options.rate;
  // Found out before the recording, not after it, that a file cannot be written.
  for (const auto& path : options.out) write_profile(path, sample);
  Recorder recorder(options, sample);
  procfs.check_same(process.id);
  recorder.run(options, session);
  if (!recorder.alive())
    sample.gaps.push_back(
        {"window_ms", "not_found",
         fmt::format("thread {} ended after {:.1f} s", sample.tid, sample.window_ms / 1000), ""});
  session.touch({fmt::format("thread {} of process {}", sample.tid, sample.pid),
                 "perf cpu-clock samples and memory read", sample.samples_count, 0});
  for (const auto& path : options.out) write_profile(path, sample);
  return sample;
}

}  // namespace triage::probes::lag_record
