#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "lib/v8/heap_snapshot.h"

namespace triage::v8 {

/// The nodes of a breadth-first search. What the next ones will read of the graph is asked for
/// ahead: such a search waits for memory more than it computes. Holds no more than what is open.
class NodeQueue {
 public:
  explicit NodeQueue(const HeapSnapshot& snapshot) : snapshot_(snapshot) {}

  void push(NodeIndex node) {
    if (parts_.empty() || parts_.back().size() == part_nodes) {
      parts_.push_back(std::move(spare_));
      spare_ = {};
      parts_.back().clear();
      parts_.back().reserve(part_nodes);
    }
    parts_.back().push_back(node);
  }
  bool pop(NodeIndex& node) {
    if (parts_.empty()) return false;
    if (at_ == parts_.front().size()) {
      spare_ = std::move(parts_.front());
      parts_.pop_front();
      at_ = 0;
      if (parts_.empty()) return false;
    }
    const std::vector<NodeIndex>& part = parts_.front();
    node = part[at_++];
    if (const std::size_t far = at_ + 16; far < part.size())
      __builtin_prefetch(&snapshot_.first_edge[part[far]]);
    if (const std::size_t near = at_ + 8; near < part.size()) {
      const EdgeIndex edge = snapshot_.first_edge[part[near]];
      __builtin_prefetch(snapshot_.edge_to.data() + edge);
      snapshot_.edges.prefetch(edge);
    }
    return true;
  }

 private:
  static constexpr std::size_t part_nodes = 1U << 14U;
  const HeapSnapshot& snapshot_;
  std::deque<std::vector<NodeIndex>> parts_;
  std::vector<NodeIndex> spare_;
  std::size_t at_ = 0;  ///< of the first part
};

}  // namespace triage::v8
