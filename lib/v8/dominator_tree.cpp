#include "lib/v8/dominator_tree.h"

#include <limits>

namespace triage::v8 {
namespace {

constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();

/// One run of the algorithm. "Number" is a place in the depth-first order, from 0 (the root).
class Builder {
 public:
  Builder(const EdgeList& graph, NodeIndex root)
      : graph_(graph), root_(root), count_(graph.first.size() - 1), number_of_(count_, unseen) {
    order_.reserve(count_);
    parent_.reserve(count_);
  }

  DominatorTree build() {
    number_all();
    collect_predecessors();
    find_semidominators();
    find_dominators();
    DominatorTree tree;
    tree.dominator.resize(count_);
    for (std::size_t i = 0; i < count_; ++i) tree.dominator[order_[i]] = order_[dominator_[i]];
    tree.order = std::move(order_);
    return tree;
  }

 private:
  void visit(NodeIndex node, std::uint32_t parent) {
    number_of_[node] = static_cast<std::uint32_t>(order_.size());
    order_.push_back(node);
    parent_.push_back(parent);
  }

  /// Numbers what `start` reaches. next_[i] is the edge of node order_[i] that is looked at next;
  /// the way back is the parent, so no stack is needed.
  void search(NodeIndex start) {
    const auto first = static_cast<std::uint32_t>(order_.size());
    visit(start, 0);
    next_edge_.push_back(graph_.first[start]);
    std::uint32_t at = first;
    while (true) {
      const NodeIndex node = order_[at];
      const EdgeIndex end = graph_.first[node + 1];
      EdgeIndex edge = next_edge_[at];
      while (edge < end && (graph_.kept[edge] == 0 || number_of_[graph_.targets[edge]] != unseen))
        ++edge;
      if (edge < end) {
        next_edge_[at] = edge + 1;
        const NodeIndex target = graph_.targets[edge];
        const std::uint32_t parent = at;
        at = static_cast<std::uint32_t>(order_.size());
        visit(target, parent);
        next_edge_.push_back(graph_.first[target]);
        continue;
      }
      next_edge_[at] = end;
      if (at == first) return;
      at = parent_[at];
    }
  }

  void number_all() {
    next_edge_.reserve(count_);
    search(root_);
    if (order_.size() < count_) {
      std::vector<std::uint8_t> has_retainer(count_, 0);
      for (std::size_t i = 0; i < graph_.targets.size(); ++i)
        if (graph_.kept[i] != 0) has_retainer[graph_.targets[i]] = 1;
      for (std::size_t node = 0; node < count_; ++node)
        if (number_of_[node] == unseen && has_retainer[node] == 0)
          search(static_cast<NodeIndex>(node));
    }
    first_left_over_ = static_cast<std::uint32_t>(order_.size());
    for (std::size_t node = 0; node < count_; ++node)
      if (number_of_[node] == unseen) visit(static_cast<NodeIndex>(node), 0);
    next_edge_ = {};
  }

  /// Predecessors by number, those of number i at predecessors_[first_[i] .. first_[i + 1]).
  void collect_predecessors() {
    first_.assign(count_ + 1, 0);
    for (std::size_t i = 0; i < graph_.targets.size(); ++i)
      if (graph_.kept[i] != 0) ++first_[number_of_[graph_.targets[i]] + 1];
    for (std::size_t i = 0; i < count_; ++i) first_[i + 1] += first_[i];
    predecessors_ = Column<std::uint32_t>(first_[count_]);
    std::vector<std::uint32_t> place(first_.begin(), first_.end() - 1);
    for (std::uint32_t i = 0; i < count_; ++i) {
      const NodeIndex node = order_[i];
      for (EdgeIndex edge = graph_.first[node]; edge < graph_.first[node + 1]; ++edge)
        if (graph_.kept[edge] != 0) predecessors_[place[number_of_[graph_.targets[edge]]]++] = i;
    }
    number_of_ = {};
  }

  /// The number with the smallest semidominator on the way from `number` up to what is not linked
  /// yet (numbers below `linked`), with path compression.
  std::uint32_t evaluate(std::uint32_t number, std::uint32_t linked) {
    if (number < linked) return number;
    path_.clear();
    std::uint32_t at = number;
    while (ancestor_[at] >= linked) {
      path_.push_back(at);
      at = ancestor_[at];
    }
    while (!path_.empty()) {
      const std::uint32_t below = path_.back();
      path_.pop_back();
      const std::uint32_t above = ancestor_[below];
      if (semi_[label_[above]] < semi_[label_[below]]) label_[below] = label_[above];
      ancestor_[below] = ancestor_[above];
    }
    return label_[number];
  }

  void find_semidominators() {
    semi_.resize(count_);
    label_.resize(count_);
    for (std::uint32_t i = 0; i < count_; ++i) semi_[i] = label_[i] = i;
    ancestor_ = parent_;
    for (std::uint32_t i = first_left_over_; i < count_; ++i) semi_[i] = 0;
    for (std::uint32_t i = first_left_over_; i-- > 1;) {
      std::uint32_t best = first_[i] == first_[i + 1] ? 0 : i;
      for (std::uint32_t k = first_[i]; k < first_[i + 1]; ++k) {
        const std::uint32_t predecessor = predecessors_[k];
        // what nothing reaches keeps nothing from its dominator
        if (predecessor >= first_left_over_) continue;
        const std::uint32_t semi = semi_[evaluate(predecessor, i + 1)];
        if (semi < best) best = semi;
      }
      semi_[i] = best;
    }
    predecessors_ = {};
    first_ = {};
  }

  void find_dominators() {
    dominator_ = std::move(parent_);
    dominator_[0] = 0;
    for (std::uint32_t i = 1; i < count_; ++i) {
      std::uint32_t candidate = dominator_[i];
      while (candidate > semi_[i]) candidate = dominator_[candidate];
      dominator_[i] = candidate;
    }
  }

  const EdgeList& graph_;
  NodeIndex root_;
  std::size_t count_;
  std::uint32_t first_left_over_ = 0;
  std::vector<std::uint32_t> number_of_;
  std::vector<NodeIndex> order_;
  std::vector<std::uint32_t> parent_;
  std::vector<EdgeIndex> next_edge_;
  std::vector<std::uint32_t> first_;
  Column<std::uint32_t> predecessors_;
  std::vector<std::uint32_t> semi_;
  std::vector<std::uint32_t> label_;
  std::vector<std::uint32_t> ancestor_;
  std::vector<std::uint32_t> path_;
  std::vector<std::uint32_t> dominator_;
};

}  // namespace

DominatorTree build_dominator_tree(const EdgeList& graph, NodeIndex root) {
  return Builder(graph, root).build();
}

}  // namespace triage::v8
