#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "lib/v8/heap_snapshot_parser.h"

namespace triage::testing {

/// Writes small snapshots for tests. Node 0 is the root; node and edge types by their words.
class SnapshotText {
 public:
  struct Edge {
    std::string type;
    std::string name;  ///< a number for element and hidden edges
    std::size_t to;
  };
  std::size_t node(const std::string& type, const std::string& name, std::uint32_t id,
                   std::uint64_t size = 16) {
    nodes_.push_back({type, name, id, size, {}});
    return nodes_.size() - 1;
  }
  void edge(std::size_t from, const std::string& type, const std::string& name, std::size_t to) {
    nodes_[from].edges.push_back({type, name, to});
  }
  void location(std::size_t node, std::uint32_t script, std::uint32_t line, std::uint32_t column) {
    locations_ +=
        fmt::format("{}{},{},{},{}", locations_.empty() ? "" : ",", node * 6, script, line, column);
  }

  [[nodiscard]] std::string text() const {
    std::vector<std::string> strings;
    std::map<std::string, std::size_t> numbers;  // each text once, as V8 writes it
    const auto number = [&](const std::string& string) {
      const auto [found, added] = numbers.try_emplace(string, strings.size());
      if (added) strings.push_back(string);
      return found->second;
    };
    std::string nodes;
    std::string edges;
    std::size_t edge_count = 0;
    for (const auto& node : nodes_) {
      nodes += fmt::format("{}{},{},{},{},{},0", nodes.empty() ? "" : "\n,",
                           place(node_types, node.type), number(node.name), node.id, node.size,
                           node.edges.size());
      for (const auto& edge : node.edges) {
        const bool numbered = edge.type == "element" || edge.type == "hidden";
        edges += fmt::format("{}{},{},{}", edges.empty() ? "" : "\n,", place(edge_types, edge.type),
                             numbered ? edge.name : std::to_string(number(edge.name)), edge.to * 6);
        ++edge_count;
      }
    }
    return fmt::format(
        R"({{"snapshot":{{"meta":{{"node_fields":["type","name","id","self_size","edge_count","detachedness"],"node_types":[["{}"]],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["{}"]],"location_fields":["object_index","script_id","line","column"]}},"node_count":{},"edge_count":{}}},"nodes":[{}],"edges":[{}],"locations":[{}],"strings":["{}"]}})",
        fmt::join(node_types, R"(",")"), fmt::join(edge_types, R"(",")"), nodes_.size(), edge_count,
        nodes, edges, locations_, fmt::join(strings, R"(",")"));
  }

  [[nodiscard]] v8::HeapSnapshot parse() const {
    const std::string all = text();
    v8::HeapSnapshotParser parser(all.size());
    parser.feed(all);
    return parser.finish();
  }

 private:
  struct Node {
    std::string type;
    std::string name;
    std::uint32_t id;
    std::uint64_t size;
    std::vector<Edge> edges;
  };
  static std::size_t place(const std::vector<std::string>& words, const std::string& word) {
    for (std::size_t i = 0; i < words.size(); ++i)
      if (words[i] == word) return i;
    throw std::logic_error("no type " + word);
  }
  inline static const std::vector<std::string> node_types{
      "hidden",        "array",     "string",
      "object",        "code",      "closure",
      "native",        "synthetic", "concatenated string",
      "sliced string", "symbol",    "number"};
  inline static const std::vector<std::string> edge_types{
      "context", "element", "property", "internal", "hidden", "shortcut", "weak"};
  std::vector<Node> nodes_;
  std::string locations_;
};

}  // namespace triage::testing
