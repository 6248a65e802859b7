#include "lib/v8/heap_distances.h"

#include <doctest/doctest.h>

#include "tests/v8/snapshot_text.h"

using triage::testing::SnapshotText;
using triage::v8::find_distances;
using triage::v8::NodeIndex;
using triage::v8::system_distance;

TEST_CASE("heap_distances: the value of a WeakMap is as far as table and key together make it") {
  // the table is near, the key is far: only with both the value is reached
  SnapshotText text;
  const auto root = text.node("synthetic", "", 1, 0);
  const auto global = text.node("object", "global", 3);
  const auto map = text.node("object", "WeakMap", 5);
  const auto table = text.node("array", "(internal array)", 7);
  const auto step = text.node("object", "Step", 9);
  const auto far = text.node("object", "Far", 11);
  const auto key = text.node("object", "Key", 13);
  const auto value = text.node("object", "Value", 15);
  const std::string entry =
      "2 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @7)";
  text.edge(root, "shortcut", "global", global);
  text.edge(global, "property", "map", map);
  text.edge(map, "internal", "table", table);
  text.edge(table, "internal", entry, value);
  text.edge(global, "property", "step", step);
  text.edge(step, "property", "far", far);
  text.edge(far, "property", "key", key);
  text.edge(key, "internal", entry, value);
  const auto snapshot = text.parse();
  const auto distances = find_distances(snapshot);
  const auto of = [&](std::size_t node) { return distances[static_cast<NodeIndex>(node)]; };
  CHECK(of(root) == system_distance);
  CHECK(of(global) == 1);
  CHECK(of(table) == 3);
  CHECK(of(key) == 4);
  CHECK(of(value) == 5);
}
