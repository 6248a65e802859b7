#pragma once

/// YAML as the runbook loader reads it: every key is asked for, what is left over is an error, and
/// each message names the file and the line.
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "lib/base/json_fwd.h"
#include "lib/diagnose/runbook.h"

namespace triage::diagnose {

/// Throws Error{usage} "<file>:<line>: <what>".
[[noreturn]] void fail_at(const std::string& file, int line, const std::string& what,
                          std::string remedy = {});

/// From 1; 1 for a node without a place.
int line_of(const YAML::Node& node);

/// The tree of one document. Refuses anchors, aliases, very deep or large files (Error{usage}).
YAML::Node parse_yaml(std::string_view text, const std::string& file);

/// A `with:` mapping. Plain words true, false and numbers become such; quoted ones stay text.
Json json_of(const YAML::Node& node);

/// A mapping of which every key must be asked for; what is left over is an unknown key.
class Mapping {
 public:
  Mapping(const YAML::Node& node, const std::string& file, std::string where);

  [[nodiscard]] int line() const { return line_of(node_); }
  [[nodiscard]] const std::string& where() const { return where_; }

  /// The value of a key, null when it is absent.
  YAML::Node take(const std::string& key);
  Script script(const std::string& key);
  std::string text(const std::string& key, std::string fallback = {});
  /// These throw when the key is absent or empty.
  std::string needed(const std::string& key);
  Script needed_script(const std::string& key);
  bool flag(const std::string& key);
  double number(const std::string& key, double fallback);
  std::chrono::milliseconds duration(const std::string& key, std::chrono::milliseconds fallback);
  std::vector<std::string> texts(const std::string& key);
  std::vector<YAML::Node> list(const std::string& key);
  /// Calls `visit(id, mapping)` for each entry of a mapping of mappings, in the order of the file.
  void each(const std::string& key,
            const std::function<void(const std::string&, const YAML::Node&)>& visit);

  /// Throws for keys that nobody asked for; `x-...` keys are free.
  void finish() const;

 private:
  [[noreturn]] void wrong(const std::string& key, const std::string& wanted);
  std::string scalar(const YAML::Node& node, const std::string& key);
  void check_id(const YAML::Node& key) const;

  YAML::Node node_;
  const std::string& file_;
  std::string where_;
  std::set<std::string> known_;
};

}  // namespace triage::diagnose
