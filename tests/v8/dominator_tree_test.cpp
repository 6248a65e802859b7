#include "lib/v8/dominator_tree.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using triage::v8::BitColumn;
using triage::v8::build_dominator_tree;
using triage::v8::DominatorTree;
using triage::v8::EdgeIndex;
using triage::v8::NodeIndex;

namespace {

struct Graph {
  std::vector<EdgeIndex> first{0};
  std::vector<NodeIndex> targets;
  std::vector<std::uint8_t> kept;
  [[nodiscard]] std::size_t size() const { return first.size() - 1; }
};

DominatorTree tree_of(const Graph& graph) {
  BitColumn kept(graph.kept.size());
  for (std::size_t i = 0; i < graph.kept.size(); ++i)
    if (graph.kept[i] != 0) kept.set(i);
  return build_dominator_tree({graph.first, graph.targets, &kept}, 0);
}

/// With `whole` the root reaches every node.
Graph random_graph(std::mt19937& random, std::size_t nodes, std::size_t edges, bool whole) {
  Graph graph;
  std::uniform_int_distribution<NodeIndex> any(0, static_cast<NodeIndex>(nodes - 1));
  std::vector<std::vector<NodeIndex>> rows(nodes);
  for (std::size_t i = 0; i < edges; ++i) rows[any(random)].push_back(any(random));
  // edges of a tree over all nodes are always kept
  std::vector<std::set<NodeIndex>> tree(nodes);
  for (NodeIndex node = 1; whole && node < nodes; ++node) {
    const std::size_t above = random() % node;
    rows[above].push_back(node);
    tree[above].insert(node);
  }
  for (std::size_t from = 0; from < nodes; ++from) {
    for (const NodeIndex to : rows[from]) {
      graph.targets.push_back(to);
      graph.kept.push_back(tree[from].contains(to) || random() % 8 != 0 ? 1 : 0);
    }
    graph.first.push_back(static_cast<EdgeIndex>(graph.targets.size()));
  }
  return graph;
}

/// What the root reaches when `removed` is taken out: the definition of dominance, by brute force.
std::set<NodeIndex> reached(const Graph& graph, NodeIndex removed) {
  std::set<NodeIndex> seen;
  std::vector<NodeIndex> open;
  if (removed != 0) open.push_back(0);
  while (!open.empty()) {
    const NodeIndex node = open.back();
    open.pop_back();
    if (!seen.insert(node).second) continue;
    for (EdgeIndex edge = graph.first[node]; edge < graph.first[node + 1]; ++edge)
      if (graph.kept[edge] != 0 && graph.targets[edge] != removed)
        open.push_back(graph.targets[edge]);
  }
  return seen;
}

bool dominates(const DominatorTree& tree, NodeIndex above, NodeIndex below) {
  while (below != 0 && below != above) below = tree.dominator[below];
  return below == above;
}

}  // namespace

TEST_CASE("dominator_tree: agrees with the definition on random graphs") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const Graph graph = random_graph(random, 30, static_cast<std::size_t>(round), true);
    const DominatorTree tree = tree_of(graph);
    REQUIRE(reached(graph, static_cast<NodeIndex>(graph.size())).size() == graph.size());
    for (NodeIndex removed = 1; removed < graph.size(); ++removed) {
      const std::set<NodeIndex> left = reached(graph, removed);
      for (NodeIndex node = 1; node < graph.size(); ++node)
        if (node != removed) CHECK(dominates(tree, removed, node) == !left.contains(node));
    }
  }
}

TEST_CASE("dominator_tree: each node stands behind its dominator, also when nothing reaches it") {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    const Graph graph = random_graph(random, 40, 30, false);
    const DominatorTree tree = tree_of(graph);
    std::vector<std::size_t> place(graph.size(), graph.size());
    for (std::size_t i = 0; i < tree.order.size(); ++i) place[tree.order[i]] = i;
    CHECK(tree.order.size() == graph.size());
    for (NodeIndex node = 1; node < graph.size(); ++node)
      CHECK(place[tree.dominator[node]] < place[node]);
  }
}

TEST_CASE("dominator_tree: a list of a million links is no deep recursion") {
  Graph graph;
  constexpr NodeIndex length = 1'000'000;
  for (NodeIndex node = 0; node < length; ++node) {
    if (node + 1 < length) graph.targets.push_back(node + 1);
    graph.first.push_back(static_cast<EdgeIndex>(graph.targets.size()));
  }
  graph.kept.assign(graph.targets.size(), 1);
  const DominatorTree tree = tree_of(graph);
  CHECK(tree.dominator[length - 1] == length - 2);
}
