#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_graph.h"

namespace triage::v8 {

/// How many objects of a class came and went between two snapshots.
struct Turnover {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
};

/// The objects of one snapshot by id, small enough to keep while the next one is read. Only odd
/// ids: those of JavaScript objects, which stay the same from snapshot to snapshot of one inspector
/// session; even ones are addresses (V8, src/profiler/heap-snapshot-generator.h).
class ObjectIds {
 public:
  ObjectIds() = default;
  explicit ObjectIds(const HeapSnapshot& snapshot);
  [[nodiscard]] bool contains(std::uint32_t id) const {
    return id % 2 == 1 && id / 2 / page_ids < places_.size() && hashes_[place_of(id)] != 0;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

  /// Of the ids that both have, the share whose kind and name agree: 1 within one session, 0.5 to
  /// 0.85 after a new one (ids were given anew) or a restart. 0 when they share none.
  [[nodiscard]] double agreement(const ObjectIds& other) const;

  /// A number for the class of a node, for turnover().
  [[nodiscard]] static std::uint32_t class_key(const HeapSnapshot& snapshot, NodeIndex node);
  [[nodiscard]] Turnover turnover(const ObjectIds& later, std::uint32_t class_key) const;

 private:
  /// V8 gives ids one after another: a table of all, in pages so that gaps cost little.
  static constexpr std::uint32_t page_ids = 32;
  [[nodiscard]] std::size_t place_of(std::uint32_t id) const {
    return std::size_t{places_[id / 2 / page_ids]} * page_ids + id / 2 % page_ids;
  }
  [[nodiscard]] const std::uint32_t* page_at(std::size_t page) const {
    return page < places_.size() && places_[page] != 0
               ? &hashes_[std::size_t{places_[page]} * page_ids]
               : nullptr;
  }
  template <class Function>
  void for_each_pair(const ObjectIds& other, Function function) const;

  Column<std::uint32_t> places_;  ///< of pages; 0: none of its ids is there
  Column<std::uint32_t> hashes_;  ///< of kind and name, page by page; 0: no such id
  std::size_t size_ = 0;
};

/// From this agreement on two snapshots are of one id space.
inline constexpr double same_session = 0.995;

/// An object that was there from the start and under which new objects stay.
struct Accumulator {
  NodeIndex node = 0;               ///< in the last snapshot
  std::uint64_t objects = 0;        ///< born after the first and still there in the last
  std::uint64_t bytes = 0;          ///< their shallow bytes
  std::vector<std::uint64_t> born;  ///< of those, per interval between snapshots
};

/// Which objects the survivors hang under: for each object of the last snapshot that the first did
/// not have, climbs the dominators to one that the first had and whose class is not its own
/// dominator's (a linked list counts as one). `ids` are those of all snapshots, oldest first; the
/// last one's are of `last`. Most bytes first.
std::vector<Accumulator> find_accumulators(const HeapGraph& last,
                                           const std::vector<ObjectIds>& ids);

}  // namespace triage::v8
