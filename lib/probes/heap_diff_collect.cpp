// Reads the snapshots and condenses them; what that means is in heap_diff.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <memory>

#include "lib/base/error.h"
#include "lib/probes/heap_diff.h"
#include "lib/probes/heap_text.h"
#include "lib/v8/heap_diff.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/leak_kind.h"

namespace triage::probes::heap_diff {
namespace {

/// Containers that are looked at closely: so many, and only with so much of what is new.
constexpr std::size_t guessed_containers = 3;
constexpr double guessed_ratio = 0.05;
/// Containers that are grouped by their ways; the rest is too small to matter.
constexpr std::size_t grouped_containers = 2000;
constexpr std::size_t shown_members = 5;

std::vector<ClassGrowth> growth_of(const std::vector<v8::ClassSummary>& first,
                                   const std::vector<v8::ClassSummary>& last) {
  std::map<std::string, ClassGrowth> rows;
  for (const auto& row : first) {
    ClassGrowth& growth = rows[row.name];
    growth.first_count = signed_count(row.count);
    growth.first_bytes = signed_count(row.shallow_bytes);
  }
  for (const auto& row : last) {
    ClassGrowth& growth = rows[row.name];
    growth.last_count = signed_count(row.count);
    growth.last_bytes = signed_count(row.shallow_bytes);
  }
  std::vector<ClassGrowth> list;
  for (auto& [name, row] : rows) {
    row.name = name;
    row.growth_bytes = row.last_bytes - row.first_bytes;
    if (row.growth_bytes != 0) list.push_back(row);
  }
  std::stable_sort(list.begin(), list.end(), [](const ClassGrowth& a, const ClassGrowth& b) {
    return a.growth_bytes > b.growth_bytes;
  });
  return list;
}

void shorten(std::vector<ClassGrowth>& rows, std::size_t top) {
  if (rows.size() > top) rows.resize(top);
  for (auto& row : rows) row.name = beginning(row.name);
}

/// Edges and classes of a way, without what differs between its like.
std::string shape_of_path(const v8::HeapSnapshot& snapshot,
                          const std::vector<v8::PathStep>& steps) {
  std::string shape;
  for (const auto& step : steps) {
    const bool numbered = step.kind == v8::EdgeKind::element || step.kind == v8::EdgeKind::hidden;
    const bool counted =
        !numbered && !step.edge.empty() && step.edge[0] >= '0' && step.edge[0] <= '9';
    shape += fmt::format("{}{}: {}", shape.empty() ? "" : " > ",
                         numbered || counted ? "[*]" : beginning(step.edge),
                         beginning(v8::class_name(snapshot, step.node)));
  }
  return shape;
}

/// All that is needed to look at the containers of the last snapshot.
struct Last {
  const v8::HeapGraph& graph;
  const std::vector<v8::ObjectIds>& ids;  ///< of all snapshots
  const v8::RetainingPaths& paths;
  const v8::ScriptNames scripts;
};

void add_members(const Last& last, const v8::LeakEvidence& evidence, Container& row) {
  for (std::size_t i = 0; i < std::min(shown_members, evidence.members.size()); ++i)
    row.members.push_back({beginning(evidence.members[i].name),
                           signed_count(evidence.members[i].count),
                           signed_count(evidence.members[i].bytes)});
  row.member_place = evidence.member_place;
  row.member_name = beginning(evidence.member_name);
  if (evidence.members.empty()) return;
  const std::uint32_t key = v8::ObjectIds::class_key(last.graph.snapshot(), evidence.sample_member);
  for (std::size_t i = 0; i + 1 < last.ids.size(); ++i) {
    const v8::Turnover turnover = last.ids[i].turnover(last.ids[i + 1], key);
    row.net_growth.push_back(signed_count(turnover.added) - signed_count(turnover.removed));
    row.removed_count = signed_count(turnover.removed);
  }
}

Container describe_container(const Last& last, const v8::Accumulator& one, double ratio,
                             bool closely) {
  const v8::HeapSnapshot& snapshot = last.graph.snapshot();
  const auto steps = last.paths.to(one.node);
  Container row;
  row.id = std::to_string(snapshot.node_id[one.node]);
  row.class_name = v8::class_name(snapshot, one.node);
  row.objects_count = signed_count(one.objects);
  row.new_bytes = signed_count(one.bytes);
  row.new_ratio = ratio;
  for (const auto born : one.born) row.born.push_back(signed_count(born));
  row.path = path_texts(snapshot, steps);
  if (!closely) return row;
  const v8::LeakEvidence evidence =
      v8::gather_evidence(last.graph, last.ids.front(), one.node, steps, last.scripts);
  const v8::HolderName name = v8::name_holder(last.graph, last.scripts, steps);
  row.variable = evidence.holder_is_root ? "event loop" : name.variable;
  row.place = name.place;
  row.package = name.package;
  add_members(last, evidence, row);
  const v8::LeakGuess guess = v8::guess_kind(evidence);
  row.guess = KindRow{std::string(v8::name_of(guess.kind)), guess.confidence, guess.because};
  return row;
}

void add_groups(const Last& last, const std::vector<v8::Accumulator>& found, std::size_t top,
                Sample& sample) {
  std::map<std::string, PathGroup> groups;
  for (std::size_t i = 0; i < std::min(grouped_containers, found.size()); ++i) {
    const std::string shape = shape_of_path(last.graph.snapshot(), last.paths.to(found[i].node));
    PathGroup& group = groups[shape];
    group.shape = shape;
    ++group.containers_count;
    group.objects_count += signed_count(found[i].objects);
    group.new_bytes += signed_count(found[i].bytes);
  }
  for (auto& [shape, group] : groups) sample.groups.push_back(std::move(group));
  std::stable_sort(
      sample.groups.begin(), sample.groups.end(),
      [](const PathGroup& a, const PathGroup& b) { return a.new_bytes > b.new_bytes; });
  if (sample.groups.size() > top) sample.groups.resize(top);
}

void add_containers(const v8::HeapGraph& graph, const v8::RetainingPaths& paths,
                    const std::vector<v8::ObjectIds>& ids, std::size_t top, Sample& sample) {
  const auto found = v8::find_accumulators(graph, ids);
  for (const auto& one : found) sample.new_bytes += signed_count(one.bytes);
  sample.containers_count = signed_count(found.size());
  if (found.empty() || sample.new_bytes == 0) return;
  const Last last{graph, ids, paths, v8::ScriptNames(graph.snapshot())};
  for (std::size_t i = 0; i < std::min(top, found.size()); ++i) {
    const double ratio =
        static_cast<double>(found[i].bytes) / static_cast<double>(sample.new_bytes);
    sample.containers.push_back(describe_container(
        last, found[i], ratio, i < guessed_containers && ratio >= guessed_ratio));
  }
  add_groups(last, found, top, sample);
}

void add_retained(const v8::HeapGraph& graph, const v8::ClassNumbers& classes, Sample& sample) {
  std::map<std::string, std::int64_t> retained;
  for (const auto& row : v8::summarize_classes(graph, classes))
    retained[row.name] = signed_count(row.retained_bytes);
  for (auto& row : sample.classes) {
    const auto found = retained.find(row.name);
    row.retained_bytes = found == retained.end() ? 0 : found->second;
  }
}

void compare_with_last(v8::HeapSnapshot& snapshot, const v8::ClassNumbers& classes,
                       std::vector<v8::ObjectIds>& ids, std::size_t top, Sample& sample) {
  std::optional<v8::RetainingPaths> paths;
  const v8::HeapGraph graph(snapshot, [&](const v8::HeapGraph& unfinished) {
    paths.emplace(unfinished);
    ids.back() = v8::ObjectIds(snapshot);
  });
  sample.id_agreement_ratio = 1;
  for (std::size_t i = 0; i + 1 < ids.size(); ++i)
    sample.id_agreement_ratio = std::min(*sample.id_agreement_ratio, ids[i].agreement(ids.back()));
  if (*sample.id_agreement_ratio < v8::same_session) {
    for (const char* what : {"containers", "new_bytes", "groups", "containers_count"})
      sample.gaps.push_back({what, "malformed", "the snapshots do not share their object ids",
                             "take all of them in one inspector session of one process"});
    return shorten(sample.classes, top);
  }
  add_containers(graph, *paths, ids, top, sample);
  add_retained(graph, classes, sample);
  shorten(sample.classes, top);
}

/// Takes of each snapshot what is compared, while the next one is read.
class Earlier {
 public:
  explicit Earlier(std::vector<v8::ObjectIds>& ids) : ids_(ids) {}
  void take(std::size_t number, v8::HeapSnapshot snapshot) {
    wait();
    auto shared = std::make_shared<v8::HeapSnapshot>(std::move(snapshot));
    pending_ = std::async([this, number, shared] {
      ids_[number] = v8::ObjectIds(*shared);
      if (number == 0) first_ = v8::count_classes(*shared);
    });
  }
  void wait() {
    if (pending_.valid()) pending_.get();
  }
  [[nodiscard]] const v8::ClassCounts& first() const { return first_; }

 private:
  std::vector<v8::ObjectIds>& ids_;
  v8::ClassCounts first_;
  std::future<void> pending_;  // the last member: it is waited for before the others go
};

}  // namespace

Sample collect(const Options& options, Session& session) {
  if (options.files.size() < 2)
    throw Error(ErrorCode::usage, "heap diff: needs two snapshots or more",
                "oldest first: triage heap diff a.heapsnapshot b.heapsnapshot c.heapsnapshot");
  const auto top = static_cast<std::size_t>(std::clamp<std::int64_t>(options.top, 1, 10'000));
  Sample sample;
  sample.at = to_rfc3339(session.clock().now());
  std::vector<v8::ObjectIds> ids(options.files.size());
  Earlier earlier(ids);
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    // of those between the first and the last only the objects are compared
    const bool between = i > 0 && i + 1 < options.files.size();
    ReadSnapshot read = read_snapshot(options.files[i], session, v8::WhenCut::refuse,
                                      between ? v8::Parts::nodes : v8::Parts::all);
    v8::HeapSnapshot& snapshot = read.snapshot;
    std::uint64_t total = snapshot.extra_native_bytes;
    for (std::size_t node = 0; node < snapshot.node_count(); ++node)
      total += snapshot.node_size[node];
    sample.files.push_back(
        {options.files[i], signed_count(total), signed_count(snapshot.node_count())});
    if (i + 1 < options.files.size()) {
      earlier.take(i, std::move(snapshot));
      continue;
    }
    // the first snapshot's plain objects are told apart as the last one's are
    const auto shapes = v8::infer_shapes(snapshot);
    const v8::ClassNumbers classes(snapshot, shapes);
    const auto last = v8::count_classes(snapshot, classes);
    earlier.wait();
    sample.classes = growth_of(v8::split_by_shapes(earlier.first(), shapes), last);
    session.progress("finding where new objects stay");
    compare_with_last(snapshot, classes, ids, top, sample);
  }
  return sample;
}

}  // namespace triage::probes::heap_diff
