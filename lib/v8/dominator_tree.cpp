#include "lib/v8/dominator_tree.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace triage::v8 {
namespace {

constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();

/// One run of the algorithm. "Number" is a place in the depth-first order, from 0 (the root).
/// Columns are given back as soon as their phase is over: the peak of memory is here.
class Builder {
 public:
  Builder(const EdgeList& graph, NodeIndex root)
      : graph_(graph),
        root_(root),
        count_(graph.first.size() - 1),
        number_of_(count_, unseen),
        order_(count_),
        parent_(count_),
        other_(*graph.kept) {}

  DominatorTree build() {
    number_all();
    collect_predecessors();
    find_semidominators();
    find_dominators();
    DominatorTree tree;
    tree.dominator = Column<NodeIndex>(count_);
    for (std::size_t i = 0; i < count_; ++i) tree.dominator[order_[i]] = order_[parent_[i]];
    tree.order = std::move(order_);
    return tree;
  }

 private:
  /// What the climb reads of a number, side by side.
  struct Link {
    std::uint32_t ancestor;
    std::uint32_t semi;  ///< the smallest between here and the ancestor
  };

  [[nodiscard]] bool kept(EdgeIndex edge) const { return (*graph_.kept)[edge]; }

  void visit(NodeIndex node, std::uint32_t parent) {
    number_of_[node] = numbered_;
    order_[numbered_] = node;
    parent_[numbered_++] = parent;
  }

  /// Numbers what `start` reaches. next_edge_[i] is the edge of node order_[i] that is looked at
  /// next; the way back is the parent, so no stack is needed.
  void search(NodeIndex start) {
    const std::uint32_t first = numbered_;
    next_edge_[numbered_] = graph_.first[start];
    visit(start, 0);
    std::uint32_t at = first;
    while (true) {
      const NodeIndex node = order_[at];
      const EdgeIndex end = graph_.first[node + 1];
      EdgeIndex edge = next_edge_[at];
      while (edge < end && (!kept(edge) || number_of_[graph_.targets[edge]] != unseen)) ++edge;
      if (edge < end) {
        next_edge_[at] = edge + 1;
        other_.clear(edge);
        const NodeIndex target = graph_.targets[edge];
        next_edge_[numbered_] = graph_.first[target];
        visit(target, at);
        at = numbered_ - 1;
        prefetch_targets(target);
        continue;
      }
      next_edge_[at] = end;
      if (at == first) return;
      at = parent_[at];
    }
  }

  void prefetch_targets(NodeIndex node) const {
    const EdgeIndex first = graph_.first[node];
    const EdgeIndex end = std::min<EdgeIndex>(graph_.first[node + 1], first + 8);
    for (EdgeIndex edge = first; edge < end; ++edge)
      __builtin_prefetch(&number_of_[graph_.targets[edge]], 1);
  }

  void number_all() {
    next_edge_ = Column<EdgeIndex>(count_);
    search(root_);
    if (numbered_ < count_) {
      BitColumn has_retainer(count_);
      for (std::size_t i = 0; i < graph_.targets.size(); ++i)
        if (kept(static_cast<EdgeIndex>(i))) has_retainer.set(graph_.targets[i]);
      for (std::size_t node = 0; node < count_; ++node)
        if (number_of_[node] == unseen && !has_retainer[node]) search(static_cast<NodeIndex>(node));
    }
    first_left_over_ = numbered_;
    for (std::size_t node = 0; node < count_; ++node)
      if (number_of_[node] == unseen) visit(static_cast<NodeIndex>(node), 0);
    next_edge_ = {};
  }

  /// Predecessors by number, those of number i at predecessors_[first_[i] .. first_[i + 1]). The
  /// parent in the search is left out: it is known. All passes go over the edges as they lie in
  /// memory, so that what they touch at random can be asked for ahead.
  void collect_predecessors() {
    Column<std::uint32_t> place(count_, 0);
    for_each_other_edge(place, [&place](NodeIndex /*from*/, NodeIndex to) { ++place[to]; });
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      std::uint32_t& mine = place[order_[i]];
      sum += mine;
      mine = sum;
    }
    predecessors_ = Column<std::uint32_t>(sum);
    for_each_other_edge(place, [&](NodeIndex from, NodeIndex to) {
      predecessors_[--place[to]] = number_of_[from];
    });
    number_of_ = {};
    first_ = Column<std::uint32_t>(count_ + 1);
    for (std::size_t i = 0; i < count_; ++i) first_[i] = place[order_[i]];
    first_[count_] = sum;
  }

  template <class Function>
  void for_each_other_edge(const Column<std::uint32_t>& touched, Function function) const {
    constexpr std::size_t ahead = 24;
    const std::size_t edges = graph_.targets.size();
    for (NodeIndex node = 0; node < count_; ++node) {
      for (EdgeIndex edge = graph_.first[node]; edge < graph_.first[node + 1]; ++edge) {
        if (edge + ahead < edges) __builtin_prefetch(&touched[graph_.targets[edge + ahead]], 1);
        if (other_[edge]) function(node, graph_.targets[edge]);
      }
    }
  }

  /// The smallest semidominator on the way from `number` up to what is not linked yet (numbers
  /// below `linked`), with path compression.
  std::uint32_t evaluate(std::uint32_t number, std::uint32_t linked) {
    if (number < linked) return number;
    path_.clear();
    std::uint32_t at = number;
    while (links_[at].ancestor >= linked) {
      path_.push_back(at);
      at = links_[at].ancestor;
    }
    Link above = links_[at];
    while (!path_.empty()) {
      Link& below = links_[path_.back()];
      path_.pop_back();
      if (above.semi < below.semi) below.semi = above.semi;
      below.ancestor = above.ancestor;
      above = below;
    }
    return above.semi;
  }

  void find_semidominators() {
    links_ = Column<Link>(count_);
    for (std::uint32_t i = 0; i < count_; ++i)
      links_[i] = {parent_[i], i < first_left_over_ ? i : 0};
    for (std::uint32_t i = first_left_over_; i-- > 1;) {
      std::uint32_t best = parent_[i];
      const std::uint32_t first = first_[i];
      const std::uint32_t end = first_[i + 1];
      // the lists of the next numbers lie before this one: their links are wanted soon
      constexpr std::uint32_t ahead = 16;
      if (first >= ahead)
        for (std::uint32_t p = first - ahead; p < end - ahead && p < first; ++p)
          __builtin_prefetch(&links_[predecessors_[p]], 1);
      for (std::uint32_t k = first; k < end; ++k) {
        const std::uint32_t predecessor = predecessors_[k];
        // what nothing reaches keeps nothing from its dominator
        if (predecessor >= first_left_over_) continue;
        const std::uint32_t semi = evaluate(predecessor, i + 1);
        if (semi < best) best = semi;
        if (best == 0) break;  // the root: it cannot be less
      }
      links_[i].semi = best;
      semi_of(i) = best;
    }
    for (std::uint32_t i = first_left_over_; i < count_; ++i) semi_of(i) = 0;
    predecessors_ = {};
    links_ = {};
  }

  /// The end of a list of predecessors is not wanted any more once its node is done.
  std::uint32_t& semi_of(std::uint32_t number) { return first_[number + 1]; }

  /// Turns parent_ into the dominators.
  void find_dominators() {
    if (count_ > 0) parent_[0] = 0;
    for (std::uint32_t i = 1; i < count_; ++i) {
      std::uint32_t candidate = parent_[i];
      while (candidate > semi_of(i)) candidate = parent_[candidate];
      parent_[i] = candidate;
    }
    first_ = {};
  }

  const EdgeList& graph_;
  NodeIndex root_;
  std::size_t count_;
  std::uint32_t numbered_ = 0;
  std::uint32_t first_left_over_ = 0;
  Column<std::uint32_t> number_of_;
  Column<NodeIndex> order_;
  Column<std::uint32_t> parent_;
  BitColumn other_;  ///< kept edges by which the search did not come to a node first
  Column<EdgeIndex> next_edge_;
  Column<std::uint32_t> first_;
  Column<std::uint32_t> predecessors_;
  Column<Link> links_;
  std::vector<std::uint32_t> path_;
};

}  // namespace

DominatorTree build_dominator_tree(const EdgeList& graph, NodeIndex root) {
  return Builder(graph, root).build();
}

}  // namespace triage::v8
