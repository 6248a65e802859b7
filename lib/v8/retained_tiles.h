#pragma once

#include <vector>

#include "lib/v8/heap_graph.h"

namespace triage::v8 {

/// A part of the heap for a treemap: an object with all that it retains.
struct RetainedTile {
  NodeIndex node = 0;
  int parent = -1;  ///< place of the tile around it; -1: top level
};

/// The dominator tree cut down to about `limit` objects on the top level, each with its largest
/// parts: V8's roots, and objects that pass nearly all on to one other, are left out. A parent
/// stands before its parts; most retained first.
std::vector<RetainedTile> find_retained_tiles(const HeapGraph& graph, std::size_t limit);

}  // namespace triage::v8
