#include "lib/diagnose/evidence_sources.h"

#include <algorithm>

#include "lib/base/finding.h"

namespace triage::diagnose {
namespace {

bool covers(const std::string& prefix, const std::string& whole) {
  return whole.starts_with(prefix) && (whole.size() == prefix.size() || prefix.empty() ||
                                       prefix == "/" || whole[prefix.size()] == '/');
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// What of a source is read at `pointer`: the deeper of both places; nothing when they are apart.
std::vector<std::string> figures_read(const Provenance& source, const std::string& pointer) {
  std::vector<std::string> read;
  for (const auto& figure : source.figures) {
    if (covers(figure, pointer))
      add_once(read, pointer);
    else if (covers(pointer, figure))
      add_once(read, figure);
  }
  return read;
}

}  // namespace

std::vector<std::string> probes_of(const std::vector<PathUse>& reads) {
  std::vector<std::string> probes;
  for (const auto& use : reads) add_once(probes, use.root);
  return probes;
}

std::vector<SourceFacts> sources_of(const std::vector<PathUse>& reads,
                                    const std::map<std::string, Json>& documents) {
  std::vector<SourceFacts> sources;
  for (const auto& use : reads) {
    const auto document = documents.find(use.root);
    if (document == documents.end() || !document->second.contains("provenance")) continue;
    for (const auto& entry : document->second["provenance"]) {
      const auto source = from_json<Provenance>(entry, use.root + ".provenance");
      const auto figures = figures_read(source, use.pointer);
      if (figures.empty()) continue;
      auto known = std::find_if(sources.begin(), sources.end(), [&](const SourceFacts& other) {
        return other.probe == use.root && other.source == source.source &&
               other.repeat == source.repeat;
      });
      if (known == sources.end())
        known =
            sources.insert(sources.end(), {use.root, source.source, source.at, source.repeat, {}});
      for (const auto& figure : figures) add_once(known->figures, figure);
    }
  }
  return sources;
}

}  // namespace triage::diagnose
