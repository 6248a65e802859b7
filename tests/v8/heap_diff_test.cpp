#include "lib/v8/heap_diff.h"

#include <doctest/doctest.h>

#include "lib/v8/leak_kind.h"
#include "tests/v8/snapshot_text.h"

using namespace triage::v8;  // NOLINT(google-build-using-namespace): one unit, many names
using triage::testing::SnapshotText;

namespace {

/// A program with a Map `users` in a scope; `entries` of the class User in it, from id 101 on, but
/// not the first `gone`.
SnapshotText program(std::uint32_t entries, std::uint32_t gone = 0,
                     const std::string& entry = "User") {
  SnapshotText text;
  const auto root = text.node("synthetic", "", 1, 0);
  const auto global = text.node("object", "global / ", 3);
  const auto scope = text.node("object", "system / Context", 5);
  const auto map = text.node("object", "Map", 7);
  // a table is replaced when it grows: its id is new each time
  const auto table = text.node("array", "", 100'001 + 2 * entries, 64);
  text.edge(root, "shortcut", "global", global);
  text.edge(global, "internal", "scope", scope);
  text.edge(scope, "context", "users", map);
  text.edge(map, "internal", "table", table);
  for (std::uint32_t i = gone; i < entries; ++i) {
    const auto user = text.node("object", entry, 101 + 2 * i, 40);
    text.edge(table, "element", std::to_string(i), user);
  }
  return text;
}

}  // namespace

TEST_CASE("heap_diff: ids agree within a session, and not when they name other objects") {
  const ObjectIds first(program(100).parse());
  CHECK(first.agreement(ObjectIds(program(200).parse())) == 1);
  // the same ids, but given to objects of another class
  const double other = first.agreement(ObjectIds(program(200, 0, "Order").parse()));
  CHECK(other < same_session);
  CHECK(other > 0);
}

TEST_CASE("heap_diff: files without a common id do not agree") {
  SnapshotText text;
  text.node("synthetic", "", 2, 0);
  CHECK(ObjectIds(program(10).parse()).agreement(ObjectIds(text.parse())) == 0);
}

TEST_CASE("heap_diff: what came and went is counted by class") {
  const HeapSnapshot before = program(100).parse();
  const HeapSnapshot after = program(150, 30).parse();
  const ObjectIds ids(before);
  const Turnover users = ids.turnover(ObjectIds(after), ObjectIds::class_key(before, 5));
  CHECK(users.added == 50);
  CHECK(users.removed == 30);
  const Turnover maps = ids.turnover(ObjectIds(after), ObjectIds::class_key(before, 3));
  CHECK(maps.added == 0);
  CHECK(maps.removed == 0);
}

TEST_CASE(
    "heap_diff: new objects are counted under the object that was there before, by interval") {
  HeapSnapshot last = program(60).parse();
  const HeapGraph graph(last);
  std::vector<ObjectIds> ids;
  ids.emplace_back(program(10).parse());
  ids.emplace_back(program(40).parse());
  ids.emplace_back(last);
  const auto found = find_accumulators(graph, ids);
  REQUIRE(found.size() == 1);
  // the Map and not its table, although the table is what keeps them
  CHECK(last.node_id[found[0].node] == 7);
  // 50 users and the table
  CHECK(found[0].objects == 51);
  CHECK(found[0].born == std::vector<std::uint64_t>{30, 21});
}

TEST_CASE("heap_diff: a list counts as one holder") {
  const auto list = [](std::uint32_t length) {
    SnapshotText text;
    auto at = text.node("synthetic", "", 1, 0);
    const auto global = text.node("object", "global / ", 3);
    text.edge(at, "shortcut", "global", global);
    at = text.node("object", "Queue", 5);
    text.edge(global, "property", "queue", at);
    for (std::uint32_t i = 0; i < length; ++i) {
      const auto next = text.node("object", "Entry", 101 + 2 * i, 32);
      text.edge(at, "property", i == 0 ? "first" : "next", next);
      at = next;
    }
    return text.parse();
  };
  HeapSnapshot last = list(90);
  std::vector<ObjectIds> ids;
  ids.emplace_back(list(20));
  ids.emplace_back(last);
  const HeapGraph graph(last);
  const auto found = find_accumulators(graph, ids);
  REQUIRE(found.size() == 1);
  CHECK(last.raw_name(found[0].node) == "Entry");
  CHECK(found[0].objects == 70);
}

TEST_CASE("leak_kind: a Map is named with its variable and what stays in it") {
  HeapSnapshot last = program(60).parse();
  const HeapGraph graph(last);
  const ObjectIds first(program(10).parse());
  const auto path = RetainingPaths(graph).to(3);
  const ScriptNames scripts(last);
  const LeakEvidence evidence = gather_evidence(graph, first, 3, path, scripts);
  REQUIRE_FALSE(evidence.members.empty());
  CHECK(evidence.members[0].name == "User");
  CHECK(evidence.members_count == 50);
  CHECK(guess_kind(evidence).kind == LeakKind::cache_map);
  CHECK(name_holder(graph, scripts, path).variable == "users");
}

TEST_CASE("leak_kind: what is special wins over the container that holds it") {
  LeakEvidence evidence;
  evidence.holder_class = "Array";
  evidence.members = {{"Function", 100, 6400}};
  evidence.members_count = 100;
  evidence.below = {{"Function", 100, 6400}, {"system / Context", 100, 3200}};
  CHECK(guess_kind(evidence).kind == LeakKind::closures);
  evidence.path_edges = {"bus", "_events", "tick"};
  CHECK(guess_kind(evidence).kind == LeakKind::listener);
  evidence.path_edges = {"cleanups"};
  evidence.below.push_back({"Promise", 100, 5000});
  CHECK(guess_kind(evidence).kind == LeakKind::promises);
}

TEST_CASE("leak_kind: a shape that no rule knows is unknown, not the nearest") {
  CHECK(guess_kind({}).kind == LeakKind::unknown);
  CHECK(guess_kind({}).confidence == 0);
}

TEST_CASE("heap_names: the package of a script is the innermost one") {
  CHECK(package_of("/srv/app/node_modules/pg/lib/client.js") == "pg");
  CHECK(package_of("/srv/node_modules/a/node_modules/@scope/b/i.js") == "@scope/b");
  CHECK(package_of("node:events") == "node");
  CHECK(package_of("/srv/app/server.js").empty());
  CHECK(package_of("/srv/my_node_modules/x.js").empty());
}
