#include "lib/v8/heap_classes.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_map>

namespace triage::v8 {
namespace {

/// Numbers for class names, so that nodes carry four bytes and no text.
class ClassNumbers {
 public:
  explicit ClassNumbers(const HeapSnapshot& snapshot) : of_node_(snapshot.node_count()) {
    for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
      const NodeKind kind = snapshot.node_kind[node];
      const bool by_name = kind == NodeKind::object || kind == NodeKind::native;
      // one number per distinct name or kind: the text is looked at once for each
      const std::uint64_t key =
          by_name ? snapshot.node_name[node] : (1ULL << 32U) + static_cast<std::uint64_t>(kind);
      const auto [found, added] = by_key_.try_emplace(key, 0);
      if (added) found->second = number(class_name(snapshot, node));
      of_node_[node] = found->second;
    }
  }
  [[nodiscard]] std::uint32_t of(NodeIndex node) const { return of_node_[node]; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  std::uint32_t number(const std::string& name) {
    const auto [found, added] =
        by_name_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (added) names_.push_back(name);
    return found->second;
  }

  Column<std::uint32_t> of_node_;
  std::vector<std::string> names_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_key_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
};

/// Per node whether a dominator of it is of the same class: the tree is walked depth first, so the
/// classes on the way down are those of a stack.
BitColumn inside_own_class(const HeapGraph& graph, const ClassNumbers& classes) {
  const std::size_t count = graph.snapshot().node_count();
  const auto& dominator = graph.tree().dominator;
  // children of node i: children[first[i] .. first[i + 1])
  Column<std::uint32_t> first(count + 1, 0);
  for (NodeIndex node = 1; node < count; ++node) ++first[dominator[node]];
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i <= count; ++i) first[i] = sum += first[i];
  Column<NodeIndex> children(count);
  for (NodeIndex node = 1; node < count; ++node) children[--first[dominator[node]]] = node;

  struct Step {
    NodeIndex node;
    std::uint32_t next;  ///< of its children
  };
  BitColumn inside(count);
  std::vector<std::uint32_t> depth(classes.names().size(), 0);
  std::vector<Step> path{{HeapGraph::root(), first[HeapGraph::root()]}};
  ++depth[classes.of(HeapGraph::root())];
  while (!path.empty()) {
    Step& step = path.back();
    if (step.next < first[step.node + 1]) {
      const NodeIndex child = children[step.next++];
      std::uint32_t& open = depth[classes.of(child)];
      if (open > 0) inside.set(child);
      const bool leaf = first[child] == first[child + 1];
      if (leaf) continue;
      ++open;
      path.push_back({child, first[child]});
    } else {
      --depth[classes.of(step.node)];
      path.pop_back();
    }
  }
  return inside;
}

}  // namespace

std::string class_name(const HeapSnapshot& snapshot, NodeIndex node) {
  switch (snapshot.node_kind[node]) {
    case NodeKind::object:
    case NodeKind::native: {
      std::string name = snapshot.string(snapshot.node_name[node]);
      // "<div id=7>" and "<div>" are one class
      if (name.starts_with('<'))
        if (const auto blank = name.find(' '); blank != std::string::npos)
          name = name.substr(0, blank) + ">";
      return name;
    }
    case NodeKind::closure:
      return "Function";
    case NodeKind::regexp:
      return "RegExp";
    case NodeKind::code:
      return "(compiled code)";
    case NodeKind::hidden:
      return "(system)";
    default:
      return "(" + std::string(name_of(snapshot.node_kind[node])) + ")";
  }
}

std::vector<ClassSummary> summarize_classes(const HeapGraph& graph) {
  const HeapSnapshot& snapshot = graph.snapshot();
  const ClassNumbers classes(snapshot);
  const BitColumn inside = inside_own_class(graph, classes);
  std::vector<ClassSummary> rows(classes.names().size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = classes.names()[i];
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (graph.shallow_size(node) == 0) continue;
    ClassSummary& row = rows[classes.of(node)];
    ++row.count;
    row.shallow_bytes += graph.shallow_size(node);
    if (!inside[node]) row.retained_bytes += graph.retained_size(node);
  }
  std::erase_if(rows, [](const ClassSummary& row) { return row.count == 0; });
  std::sort(rows.begin(), rows.end(), [](const ClassSummary& a, const ClassSummary& b) {
    return a.retained_bytes != b.retained_bytes ? a.retained_bytes > b.retained_bytes
                                                : a.name < b.name;
  });
  return rows;
}

std::vector<ClassSummary> count_classes(const HeapSnapshot& snapshot) {
  const ClassNumbers classes(snapshot);
  std::vector<ClassSummary> rows(classes.names().size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = classes.names()[i];
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_size[node] == 0) continue;
    ++rows[classes.of(node)].count;
    rows[classes.of(node)].shallow_bytes += snapshot.node_size[node];
  }
  std::erase_if(rows, [](const ClassSummary& row) { return row.count == 0; });
  std::sort(rows.begin(), rows.end(),
            [](const ClassSummary& a, const ClassSummary& b) { return a.name < b.name; });
  return rows;
}

std::vector<DuplicateString> find_duplicate_strings(const HeapSnapshot& snapshot) {
  std::vector<DuplicateString> by_text(snapshot.string_count());
  std::vector<std::uint64_t> largest(snapshot.string_count(), 0);
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_kind[node] != NodeKind::string) continue;
    const StringIndex text = snapshot.node_name[node];
    DuplicateString& row = by_text[text];
    row.text = text;
    ++row.count;
    row.bytes += snapshot.node_size[node];
    largest[text] = std::max(largest[text], snapshot.node_size[node]);
  }
  for (auto& row : by_text) row.wasted_bytes = row.bytes - (row.count > 0 ? largest[row.text] : 0);
  std::erase_if(by_text, [](const DuplicateString& row) { return row.count < 2; });
  std::sort(by_text.begin(), by_text.end(), [](const DuplicateString& a, const DuplicateString& b) {
    return a.wasted_bytes != b.wasted_bytes ? a.wasted_bytes > b.wasted_bytes : a.text < b.text;
  });
  return by_text;
}

}  // namespace triage::v8
