#include "lib/os/loop_trace.h"

#include <cstring>
#include <ctime>
#include <optional>

#include "lib/base/error.h"
#include "lib/os/tracefs.h"

namespace triage::os {
namespace {

/// Room for about 8000 records, some tenths of a second of a saturated loop.
constexpr std::size_t ring_pages = 128;

/// What stands in each record of ours: IDENTIFIER first in samples, last behind other records.
constexpr std::uint64_t common_sample = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;

perf_event_attr base_attributes() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.sample_type = common_sample;
  attributes.sample_id_all = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  attributes.watermark = 1;
  attributes.wakeup_watermark = 1U << 30U;  // nobody waits for it: the ring is polled
  return attributes;
}

perf_event_attr tracepoint(int id) {
  perf_event_attr attributes = base_attributes();
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = static_cast<std::uint64_t>(id);
  attributes.sample_period = 1;
  return attributes;
}

/// Members of a group must share its clock, also when they write no records.
perf_event_attr counter(std::uint64_t config) {
  perf_event_attr attributes = base_attributes();
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = config;
  return attributes;
}

/// Reads a record's words in order; nothing when it is too short.
class Words {
 public:
  explicit Words(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class Word = std::uint64_t>
  Word next() {
    Word word{};
    if (bytes_.size() < sizeof word) {
      short_ = true;
      return word;
    }
    std::memcpy(&word, bytes_.data(), sizeof word);
    bytes_ = bytes_.subspan(sizeof word);
    return word;
  }
  template <class Word>
  [[nodiscard]] Word at(std::size_t offset) {
    Words rest(bytes_.size() < offset ? std::span<const std::byte>() : bytes_.subspan(offset));
    const auto word = rest.next<Word>();
    short_ = short_ || rest.short_;
    return word;
  }
  [[nodiscard]] bool complete() const { return !short_; }

 private:
  std::span<const std::byte> bytes_;
  bool short_ = false;
};

/// The time in the trailer {pid, tid, time, id} of a record that is no sample.
std::int64_t trailer_time(std::span<const std::byte> body) {
  constexpr std::size_t trailer = 24;
  if (body.size() < trailer) return 0;
  Words words(body.last(trailer));
  words.next();
  return static_cast<std::int64_t>(words.next());
}

std::optional<LoopEvent> other_event(const PerfRecord& record) {
  LoopEvent event;
  event.time_ns = trailer_time(record.body);
  switch (record.type) {
    case PERF_RECORD_SWITCH:
      event.kind = LoopEvent::Kind::resumed;
      if ((record.misc & PERF_RECORD_MISC_SWITCH_OUT) != 0)
        event.kind = (record.misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT) != 0
                         ? LoopEvent::Kind::preempted
                         : LoopEvent::Kind::blocked;
      return event;
    case PERF_RECORD_EXIT:
      event.kind = LoopEvent::Kind::thread_exit;
      return event;
    case PERF_RECORD_COMM:
      if ((record.misc & PERF_RECORD_MISC_COMM_EXEC) == 0) return std::nullopt;
      event.kind = LoopEvent::Kind::exec;
      return event;
    case PERF_RECORD_LOST: {
      Words words(record.body);
      words.next();
      event.kind = LoopEvent::Kind::lost;
      event.value = static_cast<std::int64_t>(words.next());
      return event;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

LoopTrace::Source LoopTrace::source_of(std::uint64_t id) const {
  for (const auto& [known, source] : sources_)
    if (known == id) return source;
  return Source::other;
}

void LoopTrace::drain(const std::function<void(const LoopEvent&)>& use) {
  ring_.drain([&](const PerfRecord& record) {
    if (record.type != PERF_RECORD_SAMPLE) {
      if (const auto event = other_event(record)) use(*event);
      return;
    }
    Words words(record.body);
    const Source source = source_of(words.next());
    words.next();  // pid, tid
    LoopEvent event;
    event.time_ns = static_cast<std::int64_t>(words.next());
    event.kind = LoopEvent::Kind::wait_exit;
    if (source == Source::other) return;
    if (source != Source::exit) {
      event.kind = LoopEvent::Kind::wait_enter;
      if (source == Source::enter) {
        words.next();  // nr: the tracepoint and its two counters
        words.next();
        event.faults = static_cast<std::int64_t>(words.next());
        event.major_faults = static_cast<std::int64_t>(words.next());
      }
      words.next<std::uint32_t>();  // size of the raw part
      // events/syscalls/sys_enter_epoll_pwait/format: epfd at 16, timeout at 40
      event.fd = static_cast<int>(words.at<std::uint64_t>(16));
      // epoll_pwait2 has a pointer to a timespec there
      event.timeout_ms =
          source == Source::enter_pwait2
              ? -1
              : static_cast<std::int64_t>(static_cast<int>(words.at<std::uint64_t>(40)));
    }
    if (words.complete()) use(event);
  });
}

LoopTracer::LoopTracer() {
  const std::vector<std::string> names{"epoll_pwait", "epoll_wait", "epoll_pwait2"};
  std::vector<std::string> wanted;
  for (const auto& name : names)
    for (const char* side : {"enter", "exit"})
      wanted.push_back(std::string("syscalls/sys_").append(side).append("_").append(name));
  const TracepointIds found = find_tracepoints(wanted);
  source_ = found.source;
  for (const auto& name : names) {
    const auto enter = found.ids.find("syscalls/sys_enter_" + name);
    const auto exit = found.ids.find("syscalls/sys_exit_" + name);
    if (enter == found.ids.end() || exit == found.ids.end()) continue;
    const auto side =
        name == "epoll_pwait2" ? LoopTrace::Source::enter_pwait2 : LoopTrace::Source::enter;
    points_.push_back({enter->second, side});
    points_.push_back({exit->second, LoopTrace::Source::exit});
  }
  if (points_.empty())
    throw Error(ErrorCode::refused, "this kernel has no tracepoints on system calls",
                "it needs CONFIG_FTRACE_SYSCALLS");
}

LoopTrace LoopTracer::attach(pid_t tid) const {
  std::vector<Fd> events;
  std::vector<std::pair<std::uint64_t, LoopTrace::Source>> sources;
  // Switches, exit and exec come with an event that counts nothing; it owns the ring.
  perf_event_attr dummy = base_attributes();
  dummy.type = PERF_TYPE_SOFTWARE;
  dummy.config = PERF_COUNT_SW_DUMMY;
  dummy.exclude_kernel = 1;
  dummy.context_switch = 1;
  dummy.task = 1;
  dummy.comm = 1;
  dummy.comm_exec = 1;
  events.push_back(open_perf_event(dummy, tid));
  PerfRing ring(events.front(), ring_pages);
  for (const auto& point : points_) {
    perf_event_attr attributes = tracepoint(point.id);
    if (point.source != LoopTrace::Source::exit) attributes.sample_type |= PERF_SAMPLE_RAW;
    const bool with_faults = point.source == LoopTrace::Source::enter;
    if (with_faults) {
      attributes.sample_type |= PERF_SAMPLE_READ;
      attributes.read_format = PERF_FORMAT_GROUP;
    }
    Fd event = open_perf_event(attributes, tid);
    sources.emplace_back(perf_event_id(event), point.source);
    share_perf_ring(event, events.front());
    if (with_faults)
      for (const auto config : {PERF_COUNT_SW_PAGE_FAULTS, PERF_COUNT_SW_PAGE_FAULTS_MAJ})
        events.push_back(open_perf_event(counter(config), tid, event.get()));
    events.push_back(std::move(event));
  }
  return {std::move(events), std::move(sources), std::move(ring)};
}

}  // namespace triage::os
