#include "lib/v8/heap_classes.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace triage::v8 {
namespace {

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
      constexpr std::string_view detached = "Detached <";
      const std::size_t from = name.starts_with(detached) ? detached.size() : 0;
      if (from > 0 || name.starts_with('<'))
        if (const auto blank = name.find(' ', from); blank != std::string::npos)
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

ClassNumbers::ClassNumbers(const HeapSnapshot& snapshot, const std::vector<ObjectShape>& shapes)
    : small_(snapshot.node_count()) {
  constexpr std::uint32_t none = ~std::uint32_t{0};
  Column<std::uint32_t> of_name(snapshot.string_count(), none);
  std::vector<std::uint32_t> of_kind(static_cast<std::size_t>(NodeKind::other) + 1, none);
  std::vector<std::uint32_t> of_shape;
  for (const auto& shape : shapes) of_shape.push_back(number(shape.name));
  ShapeMatcher matcher(snapshot, shapes);
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    const NodeKind kind = snapshot.node_kind[node];
    const bool by_name = kind == NodeKind::object || kind == NodeKind::native;
    // the text is looked at once for each distinct name or kind
    std::uint32_t& known =
        by_name ? of_name[snapshot.node_name[node]] : of_kind[static_cast<std::size_t>(kind)];
    if (kind == NodeKind::object && !shapes.empty() && is_plain_object(snapshot, node)) {
      const int shape = matcher.shape_of(node);
      if (shape >= 0) {
        set(node, of_shape[static_cast<std::size_t>(shape)]);
        continue;
      }
    }
    if (known == none) known = number(class_name(snapshot, node));
    set(node, known);
  }
}

void ClassNumbers::set(NodeIndex node, std::uint32_t number) {
  const bool is_small = number < elsewhere;
  small_[node] = is_small ? static_cast<std::uint16_t>(number) : elsewhere;
  if (!is_small) large_[node] = number;
}

std::uint32_t ClassNumbers::number(const std::string& name) {
  const auto [found, added] = by_name_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (added) names_.push_back(name);
  return found->second;
}

std::vector<ClassSummary> summarize_classes(const HeapGraph& graph, const ClassNumbers& classes) {
  const HeapSnapshot& snapshot = graph.snapshot();
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

std::vector<ClassSummary> summarize_classes(const HeapGraph& graph) {
  return summarize_classes(graph, ClassNumbers(graph.snapshot(), infer_shapes(graph.snapshot())));
}

std::vector<ClassSummary> count_classes(const HeapSnapshot& snapshot, const ClassNumbers& classes) {
  std::vector<ClassSummary> rows(classes.names().size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].name = classes.names()[i];
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_size[node] == 0) continue;
    ClassSummary& row = rows[classes.of(node)];
    ++row.count;
    row.shallow_bytes += snapshot.node_size[node];
  }
  std::erase_if(rows, [](const ClassSummary& row) { return row.count == 0; });
  std::sort(rows.begin(), rows.end(),
            [](const ClassSummary& a, const ClassSummary& b) { return a.name < b.name; });
  return rows;
}

ClassCounts count_classes(const HeapSnapshot& snapshot) {
  return {count_classes(snapshot, ClassNumbers(snapshot, {})), group_plain_objects(snapshot)};
}

std::vector<ClassSummary> split_by_shapes(const ClassCounts& counts,
                                          const std::vector<ObjectShape>& shapes) {
  const ShapeIndex index(shapes);
  std::vector<ClassSummary> rows = counts.rows;
  std::vector<ClassSummary> split(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) split[i].name = shapes[i].name;
  const auto plain = std::find_if(rows.begin(), rows.end(),
                                  [](const ClassSummary& row) { return row.name == "Object"; });
  if (plain == rows.end()) return rows;
  for (const auto& group : counts.plain) {
    std::vector<std::uint32_t> numbers;
    for (const auto& property : group.properties) numbers.push_back(index.number_of(property));
    const int shape = index.best(std::move(numbers));
    if (shape < 0) continue;
    ClassSummary& row = split[static_cast<std::size_t>(shape)];
    row.count += group.count;
    row.shallow_bytes += group.bytes;
    plain->count -= group.count;
    plain->shallow_bytes -= group.bytes;
  }
  rows.insert(rows.end(), split.begin(), split.end());
  std::erase_if(rows, [](const ClassSummary& row) { return row.count == 0; });
  std::sort(rows.begin(), rows.end(),
            [](const ClassSummary& a, const ClassSummary& b) { return a.name < b.name; });
  return rows;
}

std::vector<DuplicateString> find_duplicate_strings(const HeapSnapshot& snapshot) {
  BitColumn once(snapshot.string_count());
  BitColumn again(snapshot.string_count());
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_kind[node] != NodeKind::string) continue;
    const StringIndex text = snapshot.node_name[node];
    (once[text] ? again : once).set(text);
  }
  struct Row {
    DuplicateString found;
    std::uint64_t largest = 0;
  };
  std::unordered_map<StringIndex, Row> by_text;
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    const StringIndex text = snapshot.node_name[node];
    if (snapshot.node_kind[node] != NodeKind::string || !again[text]) continue;
    Row& row = by_text[text];
    row.found.text = text;
    ++row.found.count;
    row.found.bytes += snapshot.node_size[node];
    row.largest = std::max(row.largest, snapshot.node_size[node]);
  }
  std::vector<DuplicateString> rows;
  for (auto& [text, row] : by_text) {
    row.found.wasted_bytes = row.found.bytes - row.largest;
    rows.push_back(row.found);
  }
  std::sort(rows.begin(), rows.end(), [](const DuplicateString& a, const DuplicateString& b) {
    return a.wasted_bytes != b.wasted_bytes ? a.wasted_bytes > b.wasted_bytes : a.text < b.text;
  });
  return rows;
}

}  // namespace triage::v8
