#include "lib/v8/heap_names.h"

#include <fmt/format.h>

namespace triage::v8 {
namespace {

bool is_context(const HeapSnapshot& snapshot, NodeIndex node) {
  return snapshot.raw_name(node).starts_with("system / Context");
}

std::string plain_path(std::string path) {
  constexpr std::string_view scheme = "file://";
  if (path.starts_with(scheme)) path.erase(0, scheme.size());
  return path;
}

/// The path of a closure's script; empty when the snapshot does not say.
std::string script_of_closure(const HeapSnapshot& snapshot, NodeIndex closure) {
  const auto shared = target_of(snapshot, closure, EdgeKind::internal, "shared");
  if (!shared) return {};
  // Node.js 18 to 24 name the edge in two ways
  auto script = target_of(snapshot, *shared, EdgeKind::internal, "script");
  if (!script) script = target_of(snapshot, *shared, EdgeKind::internal, "script_or_debug_info");
  if (!script || snapshot.node_kind[*script] != NodeKind::code) return {};
  std::string name = snapshot.string(snapshot.node_name[*script]);
  return name.starts_with("system /") || name.starts_with("(") ? std::string()
                                                               : plain_path(std::move(name));
}

/// The first closure, by its place, that sees the variables of a context.
std::optional<NodeIndex> closure_of_context(const HeapSnapshot& snapshot, NodeIndex context) {
  std::optional<NodeIndex> best;
  const Location* first = nullptr;
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_kind[node] != NodeKind::closure) continue;
    const Location* place = snapshot.locations.of(node);
    if (place == nullptr || target_of(snapshot, node, EdgeKind::internal, "context") != context)
      continue;
    if (first == nullptr || place->line < first->line) {
      best = node;
      first = place;
    }
  }
  return best;
}

/// Edges of V8's own making, which no one wrote.
bool is_source_name(const PathStep& step) {
  return step.kind == EdgeKind::property || step.kind == EdgeKind::context ||
         step.kind == EdgeKind::element;
}

std::string joined(const std::string& before, const PathStep& step) {
  if (step.kind == EdgeKind::element) return before + step.edge;
  return before.empty() ? step.edge : before + "." + step.edge;
}

/// Where the name of a variable stands on a way.
struct Start {
  std::size_t step = 0;
  std::string variable;  ///< when it is not the name of the step's edge
};

/// The name of an exported variable: a module keeps it in a table of name, cell, name, cell, ...
std::string export_name(const HeapSnapshot& snapshot, NodeIndex table, NodeIndex cell) {
  for (EdgeIndex edge = snapshot.first_edge[table] + 1; edge < snapshot.first_edge[table + 1];
       ++edge) {
    const NodeIndex before = snapshot.edge_to[edge - 1];
    if (snapshot.edge_to[edge] == cell && snapshot.node_kind[before] == NodeKind::string)
      return snapshot.string(snapshot.node_name[before]);
  }
  return {};
}

/// The variable nearest to the end of the way: of a scope, of the global object, or an export.
Start find_start(const HeapSnapshot& snapshot, const std::vector<PathStep>& path) {
  Start start;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const NodeIndex above = i == 0 ? HeapGraph::root() : path[i - 1].node;
    const bool global =
        path[i].kind == EdgeKind::property && snapshot.raw_name(above).starts_with("global /");
    if (path[i].kind == EdgeKind::context || global) start = {i, {}};
    if (i > 0 && snapshot.raw_name(path[i].node) == "system / Cell")
      if (std::string name = export_name(snapshot, above, path[i].node); !name.empty())
        start = {i, std::move(name)};
  }
  return start;
}

std::string largest_variable(const HeapGraph& graph, NodeIndex context) {
  const HeapSnapshot& snapshot = graph.snapshot();
  std::string name;
  std::uint64_t largest = 0;
  for (EdgeIndex edge = snapshot.first_edge[context]; edge < snapshot.first_edge[context + 1];
       ++edge) {
    const std::uint64_t retained = graph.retained_size(snapshot.edge_to[edge]);
    if (snapshot.edge_kind(edge) != EdgeKind::context || retained <= largest) continue;
    largest = retained;
    name = snapshot.edge_label(edge);
  }
  return name;
}

}  // namespace

std::optional<NodeIndex> target_of(const HeapSnapshot& snapshot, NodeIndex node, EdgeKind kind,
                                   std::string_view name) {
  for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge)
    if (snapshot.edge_kind(edge) == kind && snapshot.raw_edge_name(edge) == name)
      return snapshot.edge_to[edge];
  return std::nullopt;
}

ScriptNames::ScriptNames(const HeapSnapshot& snapshot) : snapshot_(snapshot) {
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (snapshot.node_kind[node] != NodeKind::closure) continue;
    const Location* place = snapshot.locations.of(node);
    if (place == nullptr || paths_.contains(place->script)) continue;
    if (std::string path = script_of_closure(snapshot, node); !path.empty())
      paths_.emplace(place->script, std::move(path));
  }
}

std::string ScriptNames::script_of(NodeIndex node) const {
  const Location* place = snapshot_.locations.of(node);
  if (place == nullptr) return {};
  const auto found = paths_.find(place->script);
  return found == paths_.end() ? std::string() : found->second;
}

std::string ScriptNames::place_of(NodeIndex node) const {
  const std::string script = script_of(node);
  if (script.empty()) return {};
  const Location* place = snapshot_.locations.of(node);
  return fmt::format("{}:{}:{}", script, place->line + 1, place->column + 1);
}

std::string package_of(std::string_view script) {
  if (script.starts_with("node:")) return "node";
  constexpr std::string_view folder = "node_modules/";
  const std::size_t at = script.rfind(folder);
  if (at == std::string_view::npos || (at > 0 && script[at - 1] != '/')) return {};
  const std::string_view rest = script.substr(at + folder.size());
  std::size_t end = rest.find('/');
  if (rest.starts_with('@') && end != std::string_view::npos) end = rest.find('/', end + 1);
  return std::string(rest.substr(0, end));
}

HolderName name_holder(const HeapGraph& graph, const ScriptNames& scripts,
                       const std::vector<PathStep>& path) {
  const HeapSnapshot& snapshot = graph.snapshot();
  if (path.empty()) return {};
  HolderName name;
  const Start start = find_start(snapshot, path);
  name.variable = start.variable;
  std::optional<NodeIndex> owner;  // the last object on the way that the program's own code made
  std::optional<NodeIndex> engine;
  for (std::size_t i = start.step; i < path.size(); ++i) {
    const bool named = i == start.step && !start.variable.empty();
    if (is_source_name(path[i]) && !named) name.variable = joined(name.variable, path[i]);
    const std::string script = scripts.script_of(path[i].node);
    if (!script.empty()) (package_of(script) == "node" ? engine : owner) = path[i].node;
  }
  if (is_context(snapshot, path.back().node)) {
    // the holder is a scope: the variable is the one below which most is kept
    name.variable = largest_variable(graph, path.back().node);
    owner = closure_of_context(snapshot, path.back().node);
  }
  if (!owner && start.step > 0 && is_context(snapshot, path[start.step - 1].node))
    owner = closure_of_context(snapshot, path[start.step - 1].node);
  if (!owner) owner = engine;
  if (owner) {
    name.place = scripts.place_of(*owner);
    name.script = scripts.script_of(*owner);
    name.package = package_of(name.script);
  }
  return name;
}

}  // namespace triage::v8
