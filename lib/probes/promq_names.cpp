#include <algorithm>

#include "lib/probes/promq_source.h"

namespace triage::probes::promq {
namespace {

/// `x{a="1",b="2"}` in parts; what does not end with a selector is all `metric`.
struct NameParts {
  std::string metric;
  std::vector<std::string> labels;
};

NameParts parts_of(const std::string& name) {
  NameParts parts{name, {}};
  const auto open = name.find('{');
  if (open == std::string::npos || name.back() != '}') return parts;
  parts.metric = name.substr(0, open);
  std::string label;
  bool quoted = false;
  for (std::size_t i = open + 1; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '\\' && i + 1 < name.size()) {
      label += c;
      label += name[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (quoted || (c != ',' && c != '}')) {
      label += c;
      continue;
    }
    if (!label.empty()) parts.labels.push_back(std::move(label));
    label.clear();
    if (c == '}' && i + 1 < name.size()) return {name, {}};  // an expression, not a name
  }
  if (parts.labels.empty()) return {name, {}};
  return parts;
}

std::string joined(const std::vector<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) text += (text.empty() ? "" : ", ") + label;
  return text;
}

}  // namespace

ShortNames short_names(const std::vector<std::string>& names) {
  std::vector<NameParts> all;
  all.reserve(names.size());
  for (const std::string& name : names) all.push_back(parts_of(name));
  std::vector<std::string> common;
  if (all.size() > 1)
    for (const std::string& label : all.front().labels)
      if (std::all_of(all.begin(), all.end(), [&](const NameParts& parts) {
            return std::find(parts.labels.begin(), parts.labels.end(), label) != parts.labels.end();
          }))
        common.push_back(label);
  ShortNames result{{}, joined(common)};
  for (NameParts& parts : all) {
    const bool had = !parts.labels.empty();
    std::erase_if(parts.labels, [&](const std::string& label) {
      return std::find(common.begin(), common.end(), label) != common.end();
    });
    const std::string labels = joined(parts.labels);
    const bool bare = had ? labels.empty() && !parts.metric.empty() : true;
    result.names.push_back(
        bare ? parts.metric : parts.metric + (parts.metric.empty() ? "{" : " {") + labels + "}");
  }
  return result;
}

}  // namespace triage::probes::promq
