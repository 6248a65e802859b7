#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/v8/dominator_tree.h"
#include "lib/v8/heap_snapshot.h"

namespace triage::v8 {

/// What a snapshot says about who keeps what, with the numbers that Chrome DevTools shows
/// (front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts).
class HeapGraph {
 public:
  /// What may be done in a second thread while the dominators are found: it may ask for shallow
  /// sizes and essential edges, and for nothing else.
  using Beside = std::function<void(const HeapGraph&)>;
  /// Computes everything; `snapshot` must outlive it. Its sizes become those of DevTools: the bytes
  /// of a backing store with one owner are the owner's.
  explicit HeapGraph(HeapSnapshot& snapshot, const Beside& beside = {});
  HeapGraph(const HeapGraph&) = delete;
  HeapGraph& operator=(const HeapGraph&) = delete;
  ~HeapGraph() = default;

  [[nodiscard]] const HeapSnapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] static NodeIndex root() { return 0; }
  /// Bytes of the node itself, as DevTools counts.
  [[nodiscard]] std::uint64_t shallow_size(NodeIndex node) const {
    return snapshot_.node_size[node];
  }
  /// Bytes that would be free without it.
  [[nodiscard]] std::uint64_t retained_size(NodeIndex node) const { return retained_[node]; }
  [[nodiscard]] NodeIndex dominator(NodeIndex node) const { return tree_.dominator[node]; }
  [[nodiscard]] const DominatorTree& tree() const { return tree_; }
  /// All bytes of the snapshot.
  [[nodiscard]] std::uint64_t total_size() const { return retained_[root()]; }
  /// Whether dominators follow this edge: not weak, not of a WeakMap's table, not from inside V8
  /// into the program's objects.
  [[nodiscard]] bool is_essential(EdgeIndex edge) const { return essential_[edge]; }

 private:
  [[nodiscard]] BitColumn program_owned() const;
  [[nodiscard]] bool essential(NodeIndex from, EdgeIndex edge, const BitColumn& owned) const;
  [[nodiscard]] bool has_user_roots() const;
  [[nodiscard]] Column<NodeIndex> owners() const;
  void find_essential_edges();
  void transfer_sizes();
  void sum_retained_sizes();

  HeapSnapshot& snapshot_;
  BitColumn essential_;
  SizeColumn retained_;
  DominatorTree tree_;
};

/// The ids in an edge name such as "2 / part of key (Object @15) -> value (Object @17) pair in
/// WeakMap (table @19)".
struct WeakMapEdge {
  std::uint64_t key_id = 0;
  std::uint64_t table_id = 0;
};
/// Whether `name` is one, and its ids.
bool parse_weak_map_edge(std::string_view name, WeakMapEdge& edge);

}  // namespace triage::v8
