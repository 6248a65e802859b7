#pragma once

/// `triage heap path FILE --id N | --class NAME`: through what an object of a snapshot is held.
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::heap_path {

struct Options {
  std::string file;
  std::string id;
  std::string class_name;
  std::int64_t top = 10;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct PathRow {
  std::string id;
  std::string class_name;
  std::int64_t shallow_bytes = 0;
  std::int64_t retained_bytes = 0;
  std::vector<std::string> path;
};

struct Sample {
  std::string at;
  std::string file;
  std::int64_t matches_count = 0;
  std::vector<PathRow> objects;
};

struct Result : Sample {
  Envelope envelope;
};

/// Throws Error{not_found} when the snapshot has no such object.
Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const PathRow* /*tag*/) {
  visit("id", self.id, "object id of the snapshot");
  visit("class_name", self.class_name, "constructor, or a kind in parentheses");
  visit("shallow_bytes", self.shallow_bytes, "of the object itself");
  visit("retained_bytes", self.retained_bytes, "that would be free without it");
  visit("path", self.path, "shortest way from the roots; empty when nothing holds it");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("file", self.file, "the snapshot");
  visit("matches_count", self.matches_count, "objects that were asked for");
  visit("objects", self.objects, "most retained bytes first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_path
