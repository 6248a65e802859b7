#pragma once

/// The options that a Node.js process was started with: those before its script, and NODE_OPTIONS.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::v8 {

/// Options of Node.js and V8 from the command line and from the text of /proc/<pid>/environ
/// (NUL-separated). Those of the command line come last: they win.
class NodeFlags {
 public:
  NodeFlags(const std::vector<std::string>& arguments, std::string_view environ_text);
  [[nodiscard]] const std::vector<std::string>& all() const { return flags_; }
  /// The last "--name=value" or "--name value"; "" for a bare "--name"; nothing without it. '_' and
  /// '-' are the same, as V8 takes them.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return value(name).has_value(); }

 private:
  std::vector<std::string> flags_;
};

}  // namespace triage::v8
