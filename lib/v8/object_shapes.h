#pragma once

/// Plain objects by the properties they have: "{id, name}" instead of "Object", with the rules of
/// Chrome DevTools (front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts,
/// inferInterfaceDefinitions): a list of properties that at least two objects and one in a thousand
/// begin with is a shape; an object has the shape with most properties of those it has all
/// properties of. Small integers have no edge in a snapshot, so such properties are missing.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/v8/heap_snapshot.h"

namespace triage::v8 {

/// Whether it was made by `{}` or a literal.
bool is_plain_object(const HeapSnapshot& snapshot, NodeIndex node);

/// Properties in the order in which objects have them.
struct ObjectShape {
  std::string name;  ///< "{id, name}", cut near 120 characters
  std::vector<std::string> properties;
};

/// Shapes of one snapshot, most frequent first.
std::vector<ObjectShape> infer_shapes(const HeapSnapshot& snapshot);

/// Plain objects with the same properties in the same order.
struct PlainObjects {
  std::vector<std::string> properties;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};
/// What it takes to match the objects of a snapshot later, when it is gone. Objects with very many
/// properties are left out.
std::vector<PlainObjects> group_plain_objects(const HeapSnapshot& snapshot);

/// Finds the shape of a list of properties.
class ShapeIndex {
 public:
  explicit ShapeIndex(const std::vector<ObjectShape>& shapes);
  static constexpr std::uint32_t unknown = ~std::uint32_t{0};
  /// A number for a property; unknown when no shape has it.
  [[nodiscard]] std::uint32_t number_of(const std::string& property) const;
  /// The place of the best shape for properties with these numbers; -1 without one.
  [[nodiscard]] int best(std::vector<std::uint32_t> numbers) const;

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::vector<std::uint32_t>> shapes_;  ///< properties, ascending
  std::vector<std::vector<int>> by_first_;          ///< shapes by their smallest property
};

struct HashOfNames {
  std::size_t operator()(const std::vector<StringIndex>& names) const;
};

/// Finds the shapes of objects. `shapes` may be those of another snapshot.
class ShapeMatcher {
 public:
  ShapeMatcher(const HeapSnapshot& snapshot, const std::vector<ObjectShape>& shapes)
      : snapshot_(snapshot), index_(shapes) {}
  /// The place of a plain object's shape in the list; -1 without one.
  int shape_of(NodeIndex node);

 private:
  const HeapSnapshot& snapshot_;
  ShapeIndex index_;
  std::unordered_map<StringIndex, std::uint32_t> numbers_;
  std::unordered_map<std::vector<StringIndex>, int, HashOfNames> known_;
  std::vector<StringIndex> names_;  ///< of the object that is looked at
};

}  // namespace triage::v8
