#pragma once

/// What people call the objects of a snapshot: the variable and property that hold them, the file,
/// line and column of functions and constructors, the npm package of a file.
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/v8/heap_paths.h"

namespace triage::v8 {

/// Paths of scripts by their id. A closure names its script: closure -shared-> function info
/// -script-> script, whose name is the path; its location has the script's id.
class ScriptNames {
 public:
  explicit ScriptNames(const HeapSnapshot& snapshot);
  /// "/srv/app/orders.js:16:65", from 1; empty when the snapshot has no place for the node.
  [[nodiscard]] std::string place_of(NodeIndex node) const;
  /// The path of the script; empty as above.
  [[nodiscard]] std::string script_of(NodeIndex node) const;

 private:
  const HeapSnapshot& snapshot_;
  std::unordered_map<std::uint32_t, std::string> paths_;
};

/// "pg" for ".../node_modules/pg/lib/client.js", "@scope/name" likewise, "node" for Node.js' own
/// "node:..." scripts, empty for the program's own files.
std::string package_of(std::string_view script);

/// Who holds an object, in the words of the source.
struct HolderName {
  std::string variable;  ///< "bus._events.tick": variable and properties; may be empty
  std::string place;     ///< file:line:column of the owner's constructor or of a function that sees
                         ///< the variable
  std::string script;    ///< the file
  std::string package;   ///< npm package of the file, "node", or empty: the program's own
};

/// `path` is the way to the object as RetainingPaths::to gives it.
HolderName name_holder(const HeapGraph& graph, const ScriptNames& scripts,
                       const std::vector<PathStep>& path);

/// The target of the first edge of that name; nothing when there is none.
std::optional<NodeIndex> target_of(const HeapSnapshot& snapshot, NodeIndex node, EdgeKind kind,
                                   std::string_view name);

}  // namespace triage::v8
