#pragma once

/// `triage heap diff A B [C ...]`: what grew between heap snapshots of one process, and under which
/// object it stays.
///
/// Two snapshots show growth; only from three on, taken under equal load in one inspector session,
/// can a leak be told from a cache that warms. As in heap show the Sample is the condensed facts.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage::probes::heap_diff {

struct Options {
  std::vector<std::string> files;  ///< oldest first
  std::int64_t top = 15;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct FileRow {
  std::string file;
  std::int64_t total_bytes = 0;
  std::int64_t nodes_count = 0;
};

struct ClassGrowth {
  std::string name;
  std::int64_t first_count = 0;
  std::int64_t last_count = 0;
  std::int64_t first_bytes = 0;  ///< shallow
  std::int64_t last_bytes = 0;
  std::int64_t growth_bytes = 0;
};

struct Container {
  std::string id;  ///< in the last snapshot
  std::string class_name;
  std::int64_t objects_count = 0;  ///< new since the first snapshot
  std::int64_t new_bytes = 0;
  double new_ratio = 0;            ///< of all new bytes
  std::vector<std::int64_t> born;  ///< of these objects, per interval
  std::vector<std::string> path;
};

struct Sample {
  std::string at;
  std::vector<FileRow> files;
  std::optional<double> id_agreement_ratio;
  std::vector<ClassGrowth> classes;
  std::vector<Container> containers;
  std::int64_t new_bytes = 0;
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
  /// growing, warming, flat, or undecided (two snapshots, or ids of different sessions)
  std::string shape;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const FileRow* /*tag*/) {
  visit("file", self.file, "the snapshot");
  visit("total_bytes", self.total_bytes, "bytes of all nodes");
  visit("nodes_count", self.nodes_count, "objects and V8's own parts");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ClassGrowth* /*tag*/) {
  visit("name", self.name, "constructor, or a kind in parentheses");
  visit("first_count", self.first_count, "instances in the first snapshot");
  visit("last_count", self.last_count, "in the last");
  visit("first_bytes", self.first_bytes, "shallow bytes in the first");
  visit("last_bytes", self.last_bytes, "in the last");
  visit("growth_bytes", self.growth_bytes, "last minus first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Container* /*tag*/) {
  visit("id", self.id, "object id in the last snapshot");
  visit("class_name", self.class_name, "constructor");
  visit("objects_count", self.objects_count,
        "objects below it that the first snapshot did not have");
  visit("new_bytes", self.new_bytes, "their shallow bytes");
  visit("new_ratio", self.new_ratio, "share of all new bytes");
  visit("born", self.born, "of these objects, per interval between snapshots");
  visit("path", self.path, "shortest way from the roots");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("files", self.files, "oldest first");
  visit("id_agreement_ratio", self.id_agreement_ratio,
        "of the ids that first and last share, those that name the same kind of object");
  visit("new_bytes", self.new_bytes, "of objects that the first snapshot did not have");
  visit("classes", self.classes, "most growth first");
  visit("containers", self.containers, "where new objects stay, most bytes first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("shape", self.shape, "growing, warming, flat or undecided");
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_diff
