#pragma once

/// `triage heap show FILE`: what is in a V8 heap snapshot, and what holds it.
///
/// The graph is read and analysed while it is collected: a Sample of a gigabyte would help nobody,
/// so the Sample is the condensed facts. The file is only read; no process is touched.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/heap_rows.h"
#include "lib/report/report.h"

namespace triage::probes::heap_show {

struct Options {
  std::string file;
  std::int64_t top = 15;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

/// A part of the treemap.
struct TileRow {
  std::string id;
  std::string name;
  std::int64_t retained_bytes = 0;
  std::int64_t parent = -1;
};

/// An object that much memory accumulates under.
struct Holder {
  std::string id;  ///< of the snapshot, as text
  std::string class_name;
  std::int64_t shallow_bytes = 0;
  std::int64_t retained_bytes = 0;
  double retained_ratio = 0;      ///< of all bytes
  std::vector<std::string> path;  ///< from the roots: "cache: Map @815"
};

struct Sample {
  std::string at;
  std::string file;
  std::int64_t file_bytes = 0;
  std::int64_t nodes_count = 0;
  std::int64_t edges_count = 0;
  std::int64_t total_bytes = 0;
  std::int64_t classes_count = 0;
  std::int64_t duplicates_wasted_bytes = 0;
  std::vector<ClassRow> classes;
  std::vector<Holder> holders;
  std::vector<DuplicateRow> duplicates;
  std::vector<TileRow> tiles;
  std::string cut;  ///< what is missing of a file that was cut
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const TileRow* /*tag*/) {
  visit("id", self.id, "object id of the snapshot");
  visit("name", self.name, "variable or property that holds it, and its class");
  visit("retained_bytes", self.retained_bytes, "that would be free without it");
  visit("parent", self.parent, "place of the part around it in this list; -1: top level");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Holder* /*tag*/) {
  visit("id", self.id, "object id of the snapshot");
  visit("class_name", self.class_name, "constructor");
  visit("shallow_bytes", self.shallow_bytes, "of the object itself");
  visit("retained_bytes", self.retained_bytes, "that would be free without it");
  visit("retained_ratio", self.retained_ratio, "share of all bytes");
  visit("path", self.path, "shortest way from the roots: edge, class and id of each step");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("file", self.file, "the snapshot");
  visit("file_bytes", self.file_bytes, "its size");
  visit("nodes_count", self.nodes_count, "objects and V8's own parts");
  visit("edges_count", self.edges_count, "references");
  visit("total_bytes", self.total_bytes, "bytes of all nodes");
  visit("classes_count", self.classes_count, "classes in all");
  visit("duplicates_wasted_bytes", self.duplicates_wasted_bytes,
        "bytes of strings that stand elsewhere too");
  visit("classes", self.classes, "most retained bytes first");
  visit("holders", self.holders, "where memory accumulates, largest first");
  visit("duplicates", self.duplicates, "strings that waste most, first");
  visit("tiles", self.tiles, "the heap as nested parts, for a treemap");
  visit("cut", self.cut, "what is missing of a file that ended too early; empty when whole");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_show
