#include "lib/probes/lag_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
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
  if (call == "page fault") return "page-faults";
  if (one_of({"wait4", "waitid", "epoll_pwait", "epoll_wait", "epoll_pwait2", "vfork", "clone"}))
    return "child_process-sync";
  if (call == "futex") return "lock";
  const bool standard = wait.object.find("(fd 1)") != std::string::npos ||
                        wait.object.find("(fd 2)") != std::string::npos;
  if (one_of({"write", "writev"}) && standard) return "logging";
  if (one_of({"connect", "recvfrom", "recvmsg", "sendto", "sendmsg", "poll", "ppoll", "select",
              "nanosleep", "clock_nanosleep"}))
    return "native";
  if (call == "unknown" || call == "several") return "unknown";
  return "fs-sync";
}

std::string describe_wait(const Blocked& wait) {
  if (wait.object.empty()) return fmt::format("{} {:.1f} ms", wait.call, wait.ms);
  return fmt::format("{} {} {:.1f} ms", wait.call, wait.object, wait.ms);
}

}  // namespace

void explain(Stall& stall) {
  std::map<std::string, double> parts;
  if (stall.cpu_ms) parts["cpu"] += *stall.cpu_ms;
  const double throttled = stall.throttled_ms.value_or(0);
  double starved = stall.runqueue_ms.value_or(0) - throttled;
  for (const auto& wait : stall.blocked) {
    const std::string word = word_of_wait(wait);
    // a throttled thread looks blocked without a call on some kernels
    if (word == "unknown" && starved < 0) {
      parts[word] += std::max(0.0, wait.ms + starved);
      starved = 0;
    } else {
      parts[word] += wait.ms;
    }
  }
  if (throttled > 0) parts["throttled"] += throttled;
  if (starved > 0) parts["starved"] += starved;
  const auto largest = std::max_element(
      parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  stall.word = largest == parts.end() ? "unknown" : largest->first;
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
  stall.evidence = evidence.empty() ? "what it did was not seen"
                                    : fmt::format("{} of {:.1f} ms", fmt::join(evidence, ", "),
                                                  stall.duration_ms);
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
      {"fs-sync",
       {"check the disk or mount that is waited for: df -h, mount, iostat -x 1",
        "use the asynchronous fs functions on request paths, and cache what is read each time",
        "do not make further calls synchronous"}},
      {"child_process-sync",
       {"switch the feature that starts this program off",
        "use spawn or execFile with a callback instead of execSync and spawnSync",
        "do not raise the child's time limit"}},
      {"logging",
       {"see who reads the other end: a full pipe or a slow terminal blocks each write",
        "log asynchronously (pino with a worker transport), at a lower level",
        "do not send more to stdout to find out"}},
      {"dns", {"check the resolver: dig, /etc/resolv.conf", "cache answers; use dns.resolve", ""}},
      {"module-loading",
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
      {"page-faults",
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
      {"native",
       {"see the stack: eu-stack -p PID (it stops the process for a moment)",
        "ask the add-on for an asynchronous form of this call", ""}},
  };
  const auto found = known.find(word);
  return found == known.end() ? Advice{} : found->second;
}

}  // namespace triage::probes::lag
