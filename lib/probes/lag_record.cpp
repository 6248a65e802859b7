#include "lib/probes/lag_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "lib/base/units.h"
#include "lib/report/flame.h"
#include "lib/v8/script_url.h"

namespace triage::probes::lag_record {
namespace {

std::string location_of(const Node& node) {
  const std::string file = v8::path_of_url(node.file);
  return node.line > 0 && !file.empty() ? fmt::format("{}:{}", file, node.line) : file;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// Most own time first. A function that calls itself counts once for each sample.
std::vector<FunctionRow> functions_of(const Sample& sample) {
  struct Counts {
    const Node* node = nullptr;
    std::int64_t own = 0;
    std::int64_t whole = 0;
  };
  std::map<std::string, Counts> rows;
  std::vector<std::string> keys;
  for (const auto& node : sample.nodes)
    keys.push_back(fmt::format("{}\n{}\n{}\n{}", node.name, node.file, node.line, node.column));
  for (std::size_t i = 0; i < sample.nodes.size(); ++i) {
    const Node& node = sample.nodes[i];
    if (node.own_count == 0) continue;
    rows[keys[i]].own += node.own_count;
    std::set<std::string> seen;
    for (auto at = static_cast<std::int64_t>(i); at >= 0;
         at = sample.nodes[static_cast<std::size_t>(at)].parent) {
      const auto index = static_cast<std::size_t>(at);
      if (!seen.insert(keys[index]).second) continue;
      Counts& counts = rows[keys[index]];
      counts.node = &sample.nodes[index];
      counts.whole += node.own_count;
    }
  }
  std::vector<FunctionRow> sorted;
  for (const auto& [key, counts] : rows)
    sorted.push_back({counts.node->name, location_of(*counts.node), counts.node->package,
                      share(counts.own, sample.samples_count),
                      share(counts.whole, sample.samples_count)});
  std::stable_sort(sorted.begin(), sorted.end(), [](const FunctionRow& a, const FunctionRow& b) {
    return std::pair(a.own_ratio, a.whole_ratio) > std::pair(b.own_ratio, b.whole_ratio);
  });
  return sorted;
}

/// The function that most of the time is below, of the user's own code.
const FunctionRow* busiest(const Result& result) {
  const FunctionRow* best = nullptr;
  for (const auto& row : result.functions)
    if (row.package.empty() && row.location.starts_with('/') &&
        row.location.find(".so") == std::string::npos && row.own_ratio > 0 &&
        (best == nullptr || row.own_ratio > best->own_ratio))
      best = &row;
  return best;
}

}  // namespace

Help help() {
  return {
      "Records where the main thread of a running Node.js process spends its time, with JavaScript "
      "functions, files and lines, and writes a profile. No restart, flag or inspector is needed "
      "and the process is not stopped: a thread on a CPU is sampled by perf, one that waits in a "
      "call is read where it waits; waiting for events is idle and left out.\n\n"
      "The format follows the ending of the name: .cpuprofile (Chrome DevTools, VS Code), .json "
      "(speedscope), .svg and .html (flame graph), .pb (pprof), else folded stacks.",
      {{"triage lag record 4127 --out orders.cpuprofile", "ten seconds for Chrome DevTools"},
       {"triage lag record port:3000 -d 30s --out flame.svg --out stacks.folded",
        "a flame graph, and the stacks it was drawn from"},
       {"triage lag record 4127 --native --out all.pb", "with native frames, for pprof"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target", "process: pid, name:TEXT or port:N", "TARGET", {}, true, true, 0},
                options.target);
  visitor.visit({"duration", "how long to record", "DURATION", {}, false, false, 'd'},
                options.duration);
  visitor.visit({"rate", "samples per second", "N", {}, false, false, 0}, options.rate);
  visitor.visit({"thread", "thread id; 0: the main thread", "TID", {}, false, false, 0},
                options.thread);
  visitor.visit({"native", "native frames too", {}, {}, false, false, 0}, options.native);
  visitor.visit({"out", "write the profile here, may be repeated", "FILE", {}, false, false, 0},
                options.out);
  visitor.visit({"top", "functions shown", "N", {}, false, false, 0}, options.top);
}

void write_profile(const std::string& path, const Sample& sample) {
  FlameGraph graph{sample.target, {}, {}};
  const double period_ms =
      1000.0 / static_cast<double>(std::max<std::int64_t>(sample.rate_per_s, 1));
  for (const auto& node : sample.nodes) {
    FlameNode flame;
    flame.parent = node.parent < 0 ? FlameNode::none : static_cast<std::size_t>(node.parent);
    flame.name = node.name;
    flame.file = node.kind == "js" ? v8::path_of_url(node.file) : node.file;
    flame.line = node.line;
    flame.column = node.column;
    flame.own_count = node.own_count;
    flame.own_ms = static_cast<double>(node.own_count) * period_ms;
    graph.nodes.push_back(std::move(flame));
  }
  for (std::size_t i = 0; i < sample.order.size(); ++i)
    graph.samples.push_back({sample.order[i], sample.since_before_ms[i]});
  write_flame_file(path, graph);
}

Result analyse(const Options& options, const Sample& sample) {
  Result result;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  result.pid = sample.pid;
  result.tid = sample.tid;
  result.window_ms = sample.window_ms;
  result.rate_per_s = sample.rate_per_s;
  result.samples_count = sample.samples_count;
  const std::int64_t looks = sample.samples_count + sample.idle_count;
  if (looks > 0) result.busy_ratio = share(sample.samples_count, looks);
  if (sample.objects_count > 0)
    result.failed_ratio = share(sample.failed_count, sample.objects_count);
  if (sample.samples_count > 0) result.gc_ratio = 0;
  for (const auto& row : sample.words) {
    result.words.push_back({row.word, share(row.count, sample.samples_count)});
    if (row.word == "gc") result.gc_ratio = share(row.count, sample.samples_count);
  }
  result.functions = functions_of(sample);
  result.files = options.out;
  if (sample.samples_count == 0)
    result.envelope.find(
        "idle", sample.idle_count > 0 ? Severity::info : Severity::unknown,
        sample.idle_count > 0 ? "the thread only waited for events" : "no stack could be taken");
  else if (const FunctionRow* first = busiest(result))
    result.envelope.find(
        "hot", Severity::info,
        fmt::format("{} ({}) has most of the own code's time: {} itself, {} with "
                    "what it calls; the thread was busy {} of the time",
                    first->function, first->location, format_ratio(first->own_ratio),
                    format_ratio(first->whole_ratio), format_ratio(result.busy_ratio.value_or(0))));
  if (sample.lost_count > 0)
    result.envelope.gaps.push_back(
        {"samples_count", "budget",
         fmt::format("{} samples were dropped by the kernel", sample.lost_count),
         "a lower --rate"});
  result.envelope.provenance.push_back(
      {{"/pid", "/tid", "/window_ms", "/rate_per_s", "/samples_count", "/busy_ratio", "/gc_ratio",
        "/failed_ratio", "/words", "/functions"},
       fmt::format("perf cpu-clock samples and memory of thread {}", sample.tid),
       sample.at,
       fmt::format("triage lag record {} --thread {}", sample.pid, sample.tid)});
  return result;
}

std::vector<Section> sections(const Options& options, const Result& result) {
  std::vector<Section> all;
  if (result.samples_count > 0) {
    Table words{{{"activity", false, false}, {"share", true, false}}, {}};
    for (const auto& row : result.words) words.rows.push_back({row.word, format_ratio(row.ratio)});
    all.push_back({"WHERE THE TIME WENT",
                   fmt::format("{} stacks, {} per second", format_count(result.samples_count),
                               result.rate_per_s),
                   {std::move(words)},
                   false});
    Table functions{
        {{"own", true, false}, {"with callees", true, false}, {"function", false, true}}, {}};
    const auto shown = std::min(result.functions.size(),
                                static_cast<std::size_t>(std::max<std::int64_t>(options.top, 0)));
    for (std::size_t i = 0; i < shown; ++i) {
      const FunctionRow& row = result.functions[i];
      functions.rows.push_back(
          {format_ratio(row.own_ratio), format_ratio(row.whole_ratio),
           row.location.empty() ? row.function : row.function + " " + row.location});
    }
    all.push_back({"FUNCTIONS", "", {std::move(functions)}, false});
  }
  if (result.failed_ratio)
    all.push_back({"CONSISTENCY",
                   "",
                   {Paragraph{fmt::format("{} of the V8 objects that were read were not what they "
                                          "had to be; their frames are left out",
                                          format_ratio(*result.failed_ratio))}},
                   false});
  if (!result.files.empty()) {
    Items files{Items::Marker::bullet, {}};
    for (const auto& file : result.files) files.items.push_back({file, {}, {}});
    all.push_back({"WRITTEN", "", {std::move(files)}, false});
  }
  return all;
}

}  // namespace triage::probes::lag_record
