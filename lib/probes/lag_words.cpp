#include "lib/probes/lag_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace triage::probes::lag {
namespace {

/// "read /srv/a": what the words of a wait mean to a Node.js program.
std::string word_of_wait(const Blocked& wait) {
  const std::string& call = wait.call;
  const auto one_of = [&](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), call) != names.end();
  };
  if (call == "stopped") return "stopped";
  if (call == "page fault") return "page faults";
  if (one_of({"wait4", "waitid", "epoll_pwait", "epoll_wait", "epoll_pwait2", "vfork", "clone"}))
    return "child_process sync";
  if (call == "futex") return "lock";
  const bool standard = wait.object.find("(fd 1)") != std::string::npos ||
                        wait.object.find("(fd 2)") != std::string::npos;
  if (one_of({"write", "writev"}) && standard) return "logging";
  if (one_of({"connect", "recvfrom", "recvmsg", "sendto", "sendmsg", "poll", "ppoll", "select",
              "nanosleep", "clock_nanosleep"}))
    return "native";
  if (call == "unknown" || call == "several") return "unknown";
  return "fs sync";
}

/// Of the frames above the user's function the one that says something: a pattern, a length, a
/// path.
std::string detail_of(const SeenStack& stack) {
  const int culprit = v8::culprit_of(stack.frames);
  for (int i = 0; i < culprit; ++i)
    if (const auto& detail = stack.frames[static_cast<std::size_t>(i)].detail; !detail.empty())
      return detail;
  return {};
}

std::string describe_wait(const Blocked& wait) {
  if (wait.object.empty()) return fmt::format("{} {:.1f} ms", wait.call, wait.ms);
  return fmt::format("{} {} {:.1f} ms", wait.call, wait.object, wait.ms);
}

std::int64_t samples_on_cpu(const ObservedStall& stall) {
  std::int64_t count = 0;
  for (const auto& stack : stall.stacks)
    if (stack.call.empty()) count += stack.samples_count;
  return count;
}

/// The outermost function of the user's code in the stacks of a stall; empty: none was seen.
std::string entry_of(const ObservedStall& stall) {
  for (const auto& stack : stall.stacks)
    for (auto frame = stack.frames.rbegin(); frame != stack.frames.rend(); ++frame)
      if (frame->kind == "js" && frame->package != "node")
        return frame->url + " " + v8::function_of(*frame);
  return {};
}

/// Samples of the stalls that began in one function and were in the microtask queue throughout.
struct QueueSamples {
  std::int64_t all = 0;
  std::int64_t between = 0;  ///< where no callback ran
};

bool always_from_queue(const ObservedStall& stall) {
  return std::all_of(stall.stacks.begin(), stall.stacks.end(),
                     [](const SeenStack& stack) { return v8::from_microtasks(stack.frames); });
}

/// Own CPU time, divided as the samples fell.
std::vector<Part> cpu_parts(const ObservedStall& stall) {
  const bool nothing_timed = !stall.cpu_ms && !stall.blocked_ms && stall.blocked.empty();
  const std::int64_t samples = samples_on_cpu(stall);
  if (!stall.cpu_ms && (!nothing_timed || samples == 0)) return {};
  const double time = stall.cpu_ms.value_or(stall.duration_ms);
  if (samples == 0) return {{"cpu", time, nullptr}};
  std::vector<Part> parts;
  for (const auto& stack : stall.stacks) {
    if (!stack.call.empty()) continue;
    std::string word = v8::activity_of(stack.frames);
    if (stall.of_microtasks && word == "js") word = "microtasks";
    parts.push_back({std::move(word),
                     time * static_cast<double>(stack.samples_count) / static_cast<double>(samples),
                     &stack});
  }
  return parts;
}

/// Waiting says by its stack what for; without one by the call and its object.
Part part_of_wait(const ObservedStall& stall, const Blocked& wait) {
  static const std::set<std::string> telling{"gc",     "fs sync",      "child_process sync", "lock",
                                             "dns",    "logging",      "module loading",     "zlib",
                                             "crypto", "native add-on"};
  Part part{word_of_wait(wait), wait.ms, nullptr};
  for (const auto& stack : stall.stacks) {
    if (stack.call.empty() || (stack.call != wait.call && part.word != "unknown")) continue;
    part.stack = &stack;
    const std::string word = v8::activity_of(stack.frames);
    const bool own_word = part.word == "stopped" || part.word == "logging" ||
                          (part.word == "page faults" && word != "gc");
    if (!own_word && telling.contains(word)) part.word = word;
    break;
  }
  return part;
}

void name_culprit(ObservedStall& stall, const std::vector<Part>& parts) {
  if (stall.word == "stopped") return;
  // of a thread that waited for a CPU: what it would have done there
  const bool kept_waiting = stall.word == "starved" || stall.word == "throttled";
  const Part* best = nullptr;
  for (const auto& part : parts)
    if ((kept_waiting || part.word == stall.word) && part.stack != nullptr &&
        v8::culprit_of(part.stack->frames) >= 0)
      if (best == nullptr || part.ms > best->ms) best = &part;
  if (best == nullptr) return;
  const auto& frames = best->stack->frames;
  const auto& frame = frames[static_cast<std::size_t>(v8::culprit_of(frames))];
  stall.function = v8::function_of(frame);
  stall.location = v8::place_of(frame);
  stall.package = frame.package;
  stall.detail = detail_of(*best->stack);
  if (!stall.detail.starts_with("descriptor ") && !stall.detail.empty()) return;
  // what it waited for has the path
  for (const auto& wait : stall.blocked)
    if (!wait.object.empty() && wait.ms > stall.duration_ms / 4) {
      stall.detail = wait.object;
      return;
    }
}

std::string evidence_of(const ObservedStall& stall, double throttled, double starved) {
  std::vector<std::string> evidence;
  if (stall.late_wake_up)
    evidence.push_back(fmt::format("woken {:.1f} ms after its timer was due", stall.duration_ms));
  if (stall.cpu_ms) evidence.push_back(fmt::format("own CPU {:.1f} ms", *stall.cpu_ms));
  for (const auto& wait : stall.blocked)
    if (evidence.size() < 4 && (wait.ms >= 0.1 || !stall.cpu_ms))
      evidence.push_back(describe_wait(wait));
  if (throttled >= 0.1) evidence.push_back(fmt::format("CPU quota used up {:.1f} ms", throttled));
  if (starved >= 0.1) evidence.push_back(fmt::format("waiting for a CPU {:.1f} ms", starved));
  if (stall.major_faults_count.value_or(0) > 0)
    evidence.push_back(fmt::format("{} page faults from disk", *stall.major_faults_count));
  if (evidence.empty() && stall.stacks.empty()) return "what it did was not seen";
  std::string text = fmt::format("{} of {:.1f} ms", fmt::join(evidence, ", "), stall.duration_ms);
  std::int64_t all = 0;
  std::int64_t fitting = 0;
  std::string word = stall.word;
  if ((word == "starved" || word == "throttled") && !stall.stacks.empty())
    word = v8::activity_of(stall.stacks.front().frames);
  for (const auto& stack : stall.stacks) {
    all += stack.samples_count;
    const std::string activity = v8::activity_of(stack.frames);
    const bool queued = stall.of_microtasks && activity == "js" && word == "microtasks";
    if (activity == word || queued) fitting += stack.samples_count;
  }
  if (fitting > 0) text += fmt::format("; {} in {} of {} stacks", word, fitting, all);
  return text;
}

/// Short waits that follow each other closely are each seen by chance: the word of those of a stall
/// that were seen, when they agree, is that of its others.
void name_unseen_waits(std::vector<Part>& waits) {
  std::set<std::string> seen;
  const Part* shown = nullptr;
  for (const auto& wait : waits) {
    if (wait.word == "unknown") continue;
    seen.insert(wait.word);
    shown = &wait;
  }
  if (seen.size() != 1 || shown->word == "stopped") return;
  for (auto& wait : waits) {
    if (wait.word != "unknown") continue;
    wait.word = shown->word;
    if (wait.stack == nullptr) wait.stack = shown->stack;
  }
}

/// The word of the largest part. Waiting for a CPU is the word of a stall that would not have been
/// one on an idle host, or that hardly ran: else the code that ran too long is to be named.
std::string largest_word(std::map<std::string, double> words, const ObservedStall& stall,
                         double threshold_ms) {
  constexpr double mostly = 2.0 / 3;
  const double waited = words["starved"] + words["throttled"];
  const bool stall_without = stall.duration_ms - waited > threshold_ms;
  if (stall_without && waited < mostly * stall.duration_ms) {
    words.erase("starved");
    words.erase("throttled");
  }
  const auto largest = std::max_element(
      words.begin(), words.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return largest == words.end() || largest->second <= 0 ? "unknown" : largest->first;
}

}  // namespace

void mark_microtasks(std::vector<ObservedStall>& stalls) {
  // A single long callback is never met between two callbacks; of those that queue the next one a
  // tenth of the samples is.
  constexpr double noticeable = 0.02;
  std::map<std::string, QueueSamples> queues;
  for (const auto& stall : stalls) {
    if (stall.stacks.empty() || !always_from_queue(stall)) continue;
    auto& queue = queues[entry_of(stall)];
    for (const auto& stack : stall.stacks) {
      queue.all += stack.samples_count;
      if (v8::activity_of(stack.frames) == "microtasks") queue.between += stack.samples_count;
    }
  }
  for (auto& stall : stalls) {
    if (stall.stacks.empty() || !always_from_queue(stall)) continue;
    const auto& queue = queues[entry_of(stall)];
    stall.of_microtasks =
        static_cast<double>(queue.between) > noticeable * static_cast<double>(queue.all);
  }
}

std::vector<Part> explain(ObservedStall& stall, double threshold_ms) {
  std::vector<Part> parts = cpu_parts(stall);
  const double throttled = stall.throttled_ms.value_or(0);
  double starved = stall.runqueue_ms.value_or(0) - throttled;
  std::vector<Part> waits;
  for (const auto& wait : stall.blocked) {
    Part part = part_of_wait(stall, wait);
    // a throttled thread looks blocked without a call on some kernels
    if (part.word == "unknown" && starved < 0) {
      part.ms = std::max(0.0, wait.ms + starved);
      starved = 0;
    }
    waits.push_back(part);
  }
  name_unseen_waits(waits);
  parts.insert(parts.end(), waits.begin(), waits.end());
  if (throttled > 0) parts.push_back({"throttled", throttled, nullptr});
  if (starved > 0) parts.push_back({"starved", starved, nullptr});
  std::map<std::string, double> words;
  for (const auto& part : parts) words[part.word] += part.ms;
  stall.word = largest_word(words, stall, threshold_ms);
  if (!stall.stacks.empty()) stall.gc_ms = words.contains("gc") ? words["gc"] : 0;
  name_culprit(stall, parts);
  stall.evidence = evidence_of(stall, throttled, starved);
  return parts;
}

Advice advice_of(const std::string& word) {
  static const std::map<std::string, Advice> known{
      {"cpu",
       {"take the route or job that runs at these times out of traffic, or add an instance",
        "move the computation to a worker thread, or cut it into slices with setImmediate",
        "do not raise timeouts: requests then wait longer for the same blocked loop"}},
      {"js",
       {"take the route or job of this function out of traffic, or limit the size of its input",
        "move the computation to a worker thread, or cut it into slices with setImmediate",
        "do not raise timeouts: requests then wait longer for the same blocked loop"}},
      {"regex",
       {"limit the length of the input before this pattern, or take the route out of traffic",
        "rewrite the pattern without nested repetition, or use a linear-time engine (re2)",
        "do not only restart: the same input blocks the next process as well"}},
      {"json",
       {"limit the size of bodies and answers on this route",
        "page the data, or stream it (stream-json), or parse in a worker thread",
        "do not raise --max-old-space-size for this: parsing stays synchronous"}},
      {"gc",
       {"look at the heap: triage heap show; a restart buys time only",
        "allocate less at the line shown, or find what is kept: triage heap diff",
        "do not just raise --max-old-space-size: a leak then collects longer and later"}},
      {"crypto",
       {"limit how often this route runs (logins, tokens)",
        "use the asynchronous form (crypto.pbkdf2, scrypt with a callback): it runs in the pool",
        "do not lower the cost factor below policy"}},
      {"zlib",
       {"switch compression off on this route, or leave it to the proxy",
        "use the asynchronous or stream form of zlib", "do not raise the compression level"}},
      {"fs sync",
       {"check the disk or mount that is waited for: df -h, mount, iostat -x 1",
        "use the asynchronous fs functions on request paths, and cache what is read each time",
        "do not make further calls synchronous"}},
      {"child_process sync",
       {"switch the feature that starts this program off",
        "use spawn or execFile with a callback instead of execSync and spawnSync",
        "do not raise the child's time limit"}},
      {"logging",
       {"see who reads the other end: a full pipe or a slow terminal blocks each write",
        "log asynchronously (pino with a worker transport), at a lower level",
        "do not send more to stdout to find out"}},
      {"dns", {"check the resolver: dig, /etc/resolv.conf", "cache answers; use dns.resolve", ""}},
      {"module loading",
       {"warm the route up once after start, before traffic",
        "load modules at start, not inside of handlers", ""}},
      {"microtasks",
       {"take the route out of traffic",
        "let the loop breathe: await setImmediate between batches instead of recursion on promises "
        "or process.nextTick",
        ""}},
      {"lock",
       {"see which thread holds the lock: eu-stack -p PID (it stops the process for a moment)",
        "no Atomics.wait on the main thread: use Atomics.waitAsync or messages", ""}},
      {"page faults",
       {"check memory pressure and swap: free -m, vmstat 1",
        "give the host more memory, or the process less heap",
        "do not add heap to a host that swaps"}},
      {"starved",
       {"see what else uses the CPUs of this host: top, or move the service",
        "request more CPU for this service, keep batch jobs off its host",
        "do not look for the fault in the service's code: it was ready to run"}},
      {"throttled",
       {"raise or remove the CPU limit of the container",
        "set the limit above the peak of all threads (garbage collection and pool included)",
        "do not add worker threads under the same limit"}},
      {"stopped",
       {"find who stopped it (SIGSTOP, a debugger, a frozen control group); go on with "
        "kill -CONT PID",
        "", "do not restart before you know who stopped it"}},
      {"native add-on",
       {"take the route that calls this add-on out of traffic, or limit its input",
        "ask the add-on for an asynchronous form of this call",
        "do not raise UV_THREADPOOL_SIZE for this: the call runs on the loop"}},
      {"native",
       {"see the stack: eu-stack -p PID (it stops the process for a moment)",
        "ask the add-on for an asynchronous form of this call", ""}},
  };
  const auto found = known.find(word);
  return found == known.end() ? Advice{} : found->second;
}

}  // namespace triage::probes::lag
