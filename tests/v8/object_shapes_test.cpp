#include <doctest/doctest.h>

#include "lib/v8/heap_classes.h"

#include "snapshot_text.h"

using namespace triage;           // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::v8;       // NOLINT(google-build-using-namespace)
using namespace triage::testing;  // NOLINT(google-build-using-namespace)

namespace {

/// Objects with these properties, each held by the root.
class Objects {
 public:
  Objects() {
    text.node("synthetic", "", 1, 0);
    value = text.node("string", "value", 3, 16);
  }
  std::size_t add(const std::vector<std::string>& properties, const std::string& name = "Object") {
    const std::size_t node = text.node("object", name, next_ += 2, 32);
    text.edge(0, "element", std::to_string(next_), node);
    text.edge(node, "property", "__proto__", value);
    for (const auto& property : properties) text.edge(node, "property", property, value);
    return node;
  }
  SnapshotText text;
  std::size_t value = 0;

 private:
  std::uint32_t next_ = 5;
};

std::vector<std::string> names_of(const std::vector<ObjectShape>& shapes) {
  std::vector<std::string> names;
  for (const auto& shape : shapes) names.push_back(shape.name);
  return names;
}

}  // namespace

TEST_CASE("object_shapes: a shape is what two objects begin with, most frequent first") {
  Objects objects;
  for (int i = 0; i < 2; ++i) objects.add({"b", "a"});
  for (int i = 0; i < 3; ++i) objects.add({"a", "b"});
  objects.add({"once"});
  objects.add({});
  objects.add({"a", "b"}, "Session");
  const HeapSnapshot snapshot = objects.text.parse();
  CHECK(names_of(infer_shapes(snapshot)) == std::vector<std::string>{"{a, b}", "{b, a}"});
}

TEST_CASE("object_shapes: an object has the shape with most of its properties, in any order") {
  Objects objects;
  for (int i = 0; i < 3; ++i) objects.add({"a", "b"});
  for (int i = 0; i < 2; ++i) objects.add({"c", "a", "b"});
  const auto other_order = objects.add({"b", "x", "a"});
  const auto larger = objects.add({"b", "c", "d", "a"});
  const auto none = objects.add({"a", "x"});
  const HeapSnapshot snapshot = objects.text.parse();
  const auto shapes = infer_shapes(snapshot);
  REQUIRE(names_of(shapes) == std::vector<std::string>{"{a, b}", "{c, a, b}"});
  ShapeMatcher matcher(snapshot, shapes);
  CHECK(matcher.shape_of(static_cast<NodeIndex>(other_order)) == 0);
  CHECK(matcher.shape_of(static_cast<NodeIndex>(larger)) == 1);
  CHECK(matcher.shape_of(static_cast<NodeIndex>(none)) == -1);
}

TEST_CASE("object_shapes: long names end, odd ones are quoted") {
  Objects objects;
  std::vector<std::string> many;
  for (int i = 10; i < 90; ++i) many.push_back("name" + std::to_string(i));
  for (int i = 0; i < 2; ++i) objects.add(many);
  for (int i = 0; i < 2; ++i) objects.add({"a, b", "c"});
  const HeapSnapshot snapshot = objects.text.parse();
  const auto names = names_of(infer_shapes(snapshot));
  REQUIRE(names.size() == 2);
  CHECK(names[0].size() <= 121);
  CHECK(names[0].starts_with("{name10, name11, "));
  CHECK(names[1] == "{\"a, b\", c}");
}

TEST_CASE("heap_classes: the table shows shapes, and compares an earlier snapshot by them") {
  Objects first;
  for (int i = 0; i < 2; ++i) first.add({"id", "user"});
  first.add({"other"});
  Objects last;
  for (int i = 0; i < 5; ++i) last.add({"user", "id"});
  const HeapSnapshot snapshot = last.text.parse();
  const auto shapes = infer_shapes(snapshot);
  const auto before = split_by_shapes(count_classes(first.text.parse()), shapes);
  const auto after = count_classes(snapshot, ClassNumbers(snapshot, shapes));
  const auto count_of = [](const std::vector<ClassSummary>& rows, const std::string& name) {
    for (const auto& row : rows)
      if (row.name == name) return row.count;
    return std::uint64_t{0};
  };
  CHECK(count_of(before, "{user, id}") == 2);
  CHECK(count_of(before, "Object") == 1);
  CHECK(count_of(after, "{user, id}") == 5);
  CHECK(count_of(after, "Object") == 0);
}
