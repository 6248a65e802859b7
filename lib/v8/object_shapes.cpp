#include "lib/v8/object_shapes.h"

#include <algorithm>

#include "lib/base/json.h"

namespace triage::v8 {
namespace {

constexpr std::size_t longest_name = 120;
constexpr std::uint64_t least_objects = 2;
constexpr std::uint64_t smallest_part = 1000;
/// Objects with more properties are dictionaries: what they match is not kept for others like them.
constexpr std::size_t remembered_properties = 64;
constexpr std::size_t most_groups = 200'000;

/// A name with characters that mean something in "{a, b}" is quoted.
std::string formatted(const std::string& name) {
  return name.find_first_of(",'\"{}") == std::string::npos
             ? name
             : Json(name).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// How long JavaScript finds it: in UTF-16 units.
std::size_t units_of(const std::string& text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    units += byte >= 0xF0 ? 2U : (byte & 0xC0U) == 0x80U ? 0U : 1U;
  }
  return units;
}

/// Names and lengths of properties, decoded once each.
class PropertyNames {
 public:
  explicit PropertyNames(const HeapSnapshot& snapshot) : snapshot_(snapshot) {}
  struct Name {
    std::string text;
    std::size_t units = 0;
    bool skipped = false;  ///< __proto__
  };
  const Name& of(StringIndex index) {
    auto [found, added] = names_.try_emplace(index);
    if (added) {
      const std::string text = snapshot_.string(index);
      found->second = {formatted(text), 0, text == "__proto__"};
      found->second.units = units_of(found->second.text);
    }
    return found->second;
  }

 private:
  const HeapSnapshot& snapshot_;
  std::unordered_map<StringIndex, Name> names_;
};

void properties_of(const HeapSnapshot& snapshot, NodeIndex node, std::vector<StringIndex>& list) {
  list.clear();
  for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge)
    if (snapshot.edge_kind(edge) == EdgeKind::property) list.push_back(snapshot.edge_name(edge));
}

/// The properties that make the name of an object's shape.
std::vector<StringIndex> first_properties(const std::vector<StringIndex>& all,
                                          PropertyNames& names) {
  std::vector<StringIndex> list;
  std::size_t length = 1;
  for (const StringIndex property : all) {
    const auto& name = names.of(property);
    if (name.skipped) continue;
    if (length > 1 && length + name.units > longest_name) break;
    length += name.units + (length == 1 ? 0 : 2);
    list.push_back(property);
  }
  return list;
}

/// How many plain objects begin with the same properties.
struct Candidate {
  std::vector<StringIndex> properties;
  std::uint64_t objects = 0;
};

class Candidates {
 public:
  explicit Candidates(const HeapSnapshot& snapshot) : names(snapshot) {
    std::vector<StringIndex> list;
    for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
      if (!is_plain_object(snapshot, node)) continue;
      ++objects;
      properties_of(snapshot, node, list);
      ++all[candidate_of(list)].objects;
    }
  }

  PropertyNames names;
  std::uint64_t objects = 0;
  std::vector<Candidate> all;  ///< in the order in which they were met

 private:
  std::size_t candidate_of(const std::vector<StringIndex>& list) {
    if (const auto known = by_all_.find(list); known != by_all_.end()) return known->second;
    std::vector<StringIndex> first = first_properties(list, names);
    const auto [found, added] = by_first_.try_emplace(first, all.size());
    if (added) all.push_back({std::move(first), 0});
    if (list.size() <= remembered_properties) by_all_.emplace(list, found->second);
    return found->second;
  }
  std::unordered_map<std::vector<StringIndex>, std::size_t, HashOfNames> by_all_;
  std::unordered_map<std::vector<StringIndex>, std::size_t, HashOfNames> by_first_;
};

}  // namespace

std::size_t HashOfNames::operator()(const std::vector<StringIndex>& names) const {
  std::size_t hash = names.size();
  for (const StringIndex name : names) hash = (hash ^ name) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29U);
}

bool is_plain_object(const HeapSnapshot& snapshot, NodeIndex node) {
  return snapshot.node_kind[node] == NodeKind::object && snapshot.raw_name(node) == "Object";
}

std::vector<ObjectShape> infer_shapes(const HeapSnapshot& snapshot) {
  Candidates candidates(snapshot);
  std::vector<Candidate> kept;
  for (auto& one : candidates.all)
    if (!one.properties.empty() && one.objects >= least_objects &&
        one.objects * smallest_part >= candidates.objects)
      kept.push_back(std::move(one));
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Candidate& a, const Candidate& b) { return a.objects > b.objects; });
  std::vector<ObjectShape> shapes;
  for (const auto& one : kept) {
    ObjectShape shape{"{", {}};
    for (const StringIndex property : one.properties) {
      if (!shape.properties.empty()) shape.name += ", ";
      shape.name += candidates.names.of(property).text;
      shape.properties.push_back(snapshot.string(property));
    }
    shape.name += "}";
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::vector<PlainObjects> group_plain_objects(const HeapSnapshot& snapshot) {
  std::unordered_map<std::vector<StringIndex>, PlainObjects, HashOfNames> groups;
  std::vector<StringIndex> list;
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (!is_plain_object(snapshot, node) || snapshot.node_size[node] == 0) continue;
    properties_of(snapshot, node, list);
    if (list.size() > remembered_properties) continue;
    auto found = groups.find(list);
    if (found == groups.end()) {
      if (groups.size() == most_groups) continue;
      found = groups.emplace(list, PlainObjects{}).first;
    }
    ++found->second.count;
    found->second.bytes += snapshot.node_size[node];
  }
  std::vector<PlainObjects> rows;
  for (auto& [properties, group] : groups) {
    for (const StringIndex property : properties)
      group.properties.push_back(snapshot.string(property));
    rows.push_back(std::move(group));
  }
  return rows;
}

ShapeIndex::ShapeIndex(const std::vector<ObjectShape>& shapes) {
  for (const auto& shape : shapes) {
    std::vector<std::uint32_t> list;
    for (const auto& property : shape.properties)
      list.push_back(numbers_.try_emplace(property, static_cast<std::uint32_t>(numbers_.size()))
                         .first->second);
    std::sort(list.begin(), list.end());
    by_first_.resize(numbers_.size());
    if (!list.empty()) by_first_[list.front()].push_back(static_cast<int>(shapes_.size()));
    shapes_.push_back(std::move(list));
  }
}

std::uint32_t ShapeIndex::number_of(const std::string& property) const {
  const auto found = numbers_.find(property);
  return found == numbers_.end() ? unknown : found->second;
}

int ShapeIndex::best(std::vector<std::uint32_t> numbers) const {
  std::sort(numbers.begin(), numbers.end());
  int best = -1;
  for (std::size_t i = 0; i < numbers.size() && numbers[i] != unknown; ++i) {
    if (i > 0 && numbers[i] == numbers[i - 1]) continue;
    for (const int number : by_first_[numbers[i]]) {
      const auto& shape = shapes_[static_cast<std::size_t>(number)];
      const std::size_t most = best < 0 ? 0 : shapes_[static_cast<std::size_t>(best)].size();
      const bool better = shape.size() > most || (shape.size() == most && number < best);
      if (better && std::includes(numbers.begin(), numbers.end(), shape.begin(), shape.end()))
        best = number;
    }
  }
  return best;
}

int ShapeMatcher::shape_of(NodeIndex node) {
  properties_of(snapshot_, node, names_);
  if (const auto known = known_.find(names_); known != known_.end()) return known->second;
  std::vector<std::uint32_t> numbers;
  for (const StringIndex name : names_) {
    const auto [found, added] = numbers_.try_emplace(name, 0);
    if (added) found->second = index_.number_of(snapshot_.string(name));
    numbers.push_back(found->second);
  }
  const int best = index_.best(std::move(numbers));
  if (names_.size() <= remembered_properties) known_.emplace(names_, best);
  return best;
}

}  // namespace triage::v8
