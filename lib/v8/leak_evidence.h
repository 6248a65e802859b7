#pragma once

/// What can be seen of the objects that stay under an accumulator, for telling the kind of a leak.
#include <cstdint>
#include <string>
#include <vector>

#include "lib/v8/heap_diff.h"
#include "lib/v8/heap_names.h"

namespace triage::v8 {

struct ClassCount {
  std::string name;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  ///< shallow
};

struct LeakEvidence {
  std::string holder_class;
  bool holder_is_root = false;
  std::vector<std::string> path_edges;    ///< names of the edges on the way, "[3]" for elements
  std::vector<std::string> path_classes;  ///< of the nodes they lead to
  /// New objects that hang directly below the holder, or below one of their own class that does (a
  /// list); most first.
  std::vector<ClassCount> members;
  std::uint64_t members_count = 0;
  double chained_ratio = 0;               ///< share of the members that hang below another member
  std::vector<ClassCount> below;          ///< all new objects below the holder, most bytes first
  std::vector<std::string> member_edges;  ///< names of the edges of one member of the main class
  bool member_keeps_weak_map_value = false;
  std::string member_place;  ///< file:line:column at which most members were made
  std::string member_name;   ///< name of the function, when members are functions
  std::uint64_t member_place_count = 0;
  NodeIndex sample_member = 0;  ///< one of the main class
};

/// `first` are the ids of the first snapshot: what is not among them is new.
LeakEvidence gather_evidence(const HeapGraph& graph, const ObjectIds& first, NodeIndex holder,
                             const std::vector<PathStep>& path, const ScriptNames& scripts);

}  // namespace triage::v8
