#include "lib/probes/heap_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/units.h"
#include "lib/os/file.h"
#include "lib/os/target.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/inspector.h"

namespace triage::probes::heap_sample {
namespace {

constexpr std::size_t shown_callers = 4;
/// A profile is a tree of call sites, not of objects.
constexpr std::uint64_t largest_profile = std::uint64_t{256} << 20U;

/// Name and place of a callFrame {functionName, url, lineNumber, columnNumber}, both from 0.
struct Frame {
  std::string function;
  std::string place;
  [[nodiscard]] std::string text() const {
    return place.empty() ? function : function + " " + place;
  }
};

Frame frame_of(const Json& node) {
  const Json frame = node.value("callFrame", Json::object());
  if (!frame.is_object()) throw Error(ErrorCode::malformed, "the profile has an unknown form");
  Frame result;
  result.function = frame.value("functionName", std::string());
  if (result.function.empty()) result.function = "(anonymous)";
  std::string url = frame.value("url", std::string());
  constexpr std::string_view scheme = "file://";
  if (url.rfind(scheme, 0) == 0) url.erase(0, scheme.size());
  if (!url.empty())
    result.place = fmt::format("{}:{}:{}", url, frame.value("lineNumber", 0) + 1,
                               frame.value("columnNumber", 0) + 1);
  return result;
}

/// Adds up the nodes of one function; its stack is that of the largest node.
class Sites {
 public:
  void add(const Json& root) {
    std::vector<Visit> open{{&root, 0}};
    while (!open.empty()) {
      const Visit visit = open.back();
      open.pop_back();
      if (!visit.node->is_object()) throw Error(ErrorCode::malformed, "a node is no object");
      path_.resize(visit.depth);
      path_.push_back(frame_of(*visit.node));
      count(visit.node->value("selfSize", 0.0));
      const auto children = visit.node->find("children");
      if (children == visit.node->end() || !children->is_array()) continue;
      for (const auto& child : *children) open.push_back({&child, visit.depth + 1});
    }
  }

  std::vector<Site> take() {
    std::vector<Site> list;
    double total = 0;
    for (const auto& [key, site] : sites_) total += static_cast<double>(site.bytes);
    for (auto& [key, site] : sites_) {
      site.ratio = total > 0 ? static_cast<double>(site.bytes) / total : 0;
      list.push_back(std::move(site));
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Site& a, const Site& b) { return a.bytes > b.bytes; });
    return list;
  }

 private:
  struct Visit {
    const Json* node;
    std::size_t depth;
  };

  void count(double self) {
    if (self <= 0) return;
    const Frame& frame = path_.back();
    Site& site = sites_[frame.text()];
    site.function = frame.function;
    site.place = frame.place;
    site.bytes += static_cast<std::int64_t>(self);
    double& largest = largest_[frame.text()];
    if (self <= largest) return;
    largest = self;
    site.stack.clear();
    for (std::size_t i = path_.size() - 1; i > 1 && site.stack.size() < shown_callers; --i)
      site.stack.push_back(path_[i - 1].text());
  }

  std::vector<Frame> path_;
  std::map<std::string, Site> sites_;
  std::map<std::string, double> largest_;
};

/// Keeps the first rows, and the bytes of all.
void keep_top(const Options& options, Sample& sample) {
  for (const auto& site : sample.sites) sample.total_bytes += site.bytes;
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 1000));
  if (sample.sites.size() > top) sample.sites.resize(top);
}

Sample collect_file(const Options& options, Session& session) {
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = sample.file = options.file;
  sample.sites = read_profile(options.file);
  session.touch({"sampling profile", options.file, 1, 0});
  keep_top(options, sample);
  return sample;
}

}  // namespace

std::vector<Site> sites_of(const Json& profile) {
  if (!profile.is_object() || !profile.contains("head"))
    throw Error(ErrorCode::malformed, "it is no sampling heap profile: it has no \"head\"");
  Sites sites;
  sites.add(profile["head"]);
  return sites.take();
}

std::vector<Site> read_profile(const std::string& file) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  const std::string text = os::read_head(file, error ? 1 : std::min(size, largest_profile));
  return sites_of(parse_json(text, file));
}

Sample collect(const Options& options, Session& session) {
  if (options.target.empty() == options.file.empty())
    throw Error(ErrorCode::usage, "heap sample: needs a target or --file",
                "name a process: triage heap sample 4127 --allow-inspector");
  if (!options.file.empty()) return collect_file(options, session);
  const os::Procfs procfs;
  const os::ProcessInfo process = os::find_target(procfs, options.target);
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  sample.target = os::describe_process(process);
  sample.pid = process.id.pid;
  const auto every_bytes = std::clamp<std::int64_t>(options.every_bytes, 1024, 1 << 30);
  sample.every_bytes = every_bytes;
  v8::Inspector inspector(procfs, process, {.allowed = options.allow_inspector}, session);
  inspector.request("HeapProfiler.enable");
  inspector.request("HeapProfiler.startSampling", {{"samplingInterval", every_bytes}});
  const Duration start = session.clock().monotonic();
  Duration passed{0};
  while (passed < options.duration && !session.cancelled()) {
    session.progress(fmt::format("sampling allocations of {}: {} of {}", sample.target,
                                 format_duration(std::chrono::duration<double>(passed).count()),
                                 to_duration_text(options.duration)));
    std::this_thread::sleep_for(
        std::min<Duration>(options.duration - passed, std::chrono::milliseconds(200)));
    passed = session.clock().monotonic() - start;
  }
  sample.duration_s = std::chrono::duration<double>(passed).count();
  const Duration asked = session.clock().monotonic();
  const Json answer = inspector.request("HeapProfiler.stopSampling");
  session.paused(session.clock().monotonic() - asked);
  sample.sites = sites_of(answer.value("profile", Json()));
  keep_top(options, sample);
  return sample;
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  if (!sample.sites.empty()) {
    const Site& first = sample.sites.front();
    const std::string rate =
        sample.duration_s ? fmt::format(" ({} per minute)",
                                        format_bytes(static_cast<double>(sample.total_bytes) /
                                                     std::max(*sample.duration_s, 0.001) * 60))
                          : "";
    result.envelope.find(
        "largest_site", Severity::info,
        fmt::format("{} allocated {} of the {} that stayed{}", first.function,
                    bytes_text(first.bytes), bytes_text(sample.total_bytes), rate));
  }
  const bool file = !sample.file.empty();
  result.envelope.provenance.push_back(
      {{"/pid", "/duration_s", "/every_bytes", "/total_bytes", "/sites"},
       file ? sample.file
            : fmt::format("HeapProfiler.startSampling of process {}", sample.pid.value_or(0)),
       sample.at,
       file ? fmt::format("triage heap sample --file {} -o json", quoted(sample.file))
            : fmt::format("triage heap sample {} --allow-inspector -o json",
                          sample.pid.value_or(0))});
  return result;
}

Section sites_section(const std::vector<Site>& sites) {
  Items items{Items::Marker::number, {}};
  for (const auto& site : sites) {
    std::vector<std::string> notes;
    if (!site.place.empty()) notes.push_back(site.place);
    if (!site.stack.empty()) notes.push_back(fmt::format("from {}", fmt::join(site.stack, " < ")));
    items.items.push_back(
        {fmt::format("{} {} ({})", site.function, bytes_text(site.bytes), format_ratio(site.ratio)),
         std::move(notes),
         {}});
  }
  return {"WHO ALLOCATED WHAT STAYED", "", {std::move(items)}, false};
}

std::vector<Section> sections(const Options& /*options*/, const Result& result) {
  Section section = sites_section(result.sites);
  if (result.duration_s)
    section.note = fmt::format("in {}, one sample per {}", format_duration(*result.duration_s),
                               or_unknown(result.every_bytes, bytes_text));
  return {std::move(section)};
}

Help help() {
  return {
      "Watches the allocations of a running Node.js process with V8's sampling profiler and says "
      "which functions allocated the memory that is still there at the end. It does not stop the "
      "process and costs it a few percent while it runs. What stays for a while is not yet a leak: "
      "look longer than the service keeps things, or take snapshots. With --file it reads what "
      "--heap-prof of Node.js wrote at the end of a process.",
      {{"triage heap sample 4127 --allow-inspector", "ten seconds"},
       {"triage heap sample port:3000 --allow-inspector --duration 5m -o json", "longer"},
       {"triage heap sample --file Heap.20261124.020431.4127.0.001.heapprofile",
        "what a process with --heap-prof left"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  const auto option = [](const char* name, std::string text, const char* placeholder) {
    return OptionInfo{name, std::move(text), placeholder, {}, false, false, 0};
  };
  visitor.visit({"target",
                 "process: a pid, pid:4127, name:server.js or port:3000",
                 "TARGET",
                 {},
                 true,
                 true,
                 0},
                options.target);
  visitor.visit(option("file", "profile of --heap-prof instead of a target", "FILE"), options.file);
  visitor.visit(option("allow-inspector", std::string(v8::inspector_consent_help), ""),
                options.allow_inspector);
  visitor.visit(option("duration", "how long to watch", "DURATION"), options.duration);
  visitor.visit(option("every-bytes", "one sample per so many allocated bytes", "N"),
                options.every_bytes);
  visitor.visit(option("top", "functions to show", "N"), options.top);
}

}  // namespace triage::probes::heap_sample
