#pragma once

/// `triage heap diff A B [C ...]`: what grew between heap snapshots of one process, under which
/// object it stays, who holds that, and what kind of leak it looks like.
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
  std::optional<std::int64_t> retained_bytes;  ///< in the last snapshot
};

struct MemberClass {
  std::string name;
  std::int64_t objects_count = 0;
  std::int64_t shallow_bytes = 0;
};

/// What kind of leak a container looks like.
struct KindRow {
  std::string kind;  ///< v8::name_of(LeakKind)
  double confidence_ratio = 0;
  std::string because;
};

struct Container {
  std::string id;  ///< in the last snapshot
  std::string class_name;
  std::int64_t objects_count = 0;  ///< new since the first snapshot
  std::int64_t new_bytes = 0;
  double new_ratio = 0;            ///< of all new bytes
  std::vector<std::int64_t> born;  ///< of these objects, per interval
  std::vector<std::string> path;
  std::string variable;  ///< "bus._events.tick"
  std::string place;     ///< file:line:column
  std::string package;
  std::vector<MemberClass> members;  ///< what hangs directly below it
  std::string member_place;          ///< where most of them were made
  std::string member_name;
  std::vector<std::int64_t> net_growth;  ///< of the members' class, per interval
  std::int64_t removed_count = 0;        ///< of that class, in the last interval
  std::optional<KindRow> guess;          ///< for the largest containers
};

/// Containers that are reached in the same way, such as one Map for each of many sessions.
struct PathGroup {
  std::string shape;  ///< edges and classes without ids; "[*]" for any index
  std::int64_t containers_count = 0;
  std::int64_t objects_count = 0;
  std::int64_t new_bytes = 0;
};

struct Sample {
  std::string at;
  std::vector<FileRow> files;
  std::optional<double> id_agreement_ratio;
  std::vector<ClassGrowth> classes;
  std::vector<Container> containers;
  std::vector<PathGroup> groups;
  std::int64_t containers_count = 0;
  std::int64_t new_bytes = 0;
  std::vector<Gap> gaps;
};

struct Result : Sample {
  Envelope envelope;
  /// growing, warming, flat, or undecided (two snapshots, or ids of different sessions)
  std::string shape;
  std::string shape_because;
  /// yes: called a leak; not_yet: grows, but so would a cache that still fills; no
  std::string leak;
  std::vector<std::string> now;
  std::vector<std::string> later;
  std::vector<std::string> dont;
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
  visit("retained_bytes", self.retained_bytes,
        "retained in the last; null when the snapshots are of different sessions");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const MemberClass* /*tag*/) {
  visit("name", self.name, "constructor, or a kind in parentheses");
  visit("objects_count", self.objects_count, "new objects of it");
  visit("shallow_bytes", self.shallow_bytes, "their own bytes");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const KindRow* /*tag*/) {
  visit("kind", self.kind, "listener, timer, cache_map, array, closures, promises, ... or unknown");
  visit("confidence_ratio", self.confidence_ratio,
        "how well the rule tells this kind from the others");
  visit("because", self.because, "what was seen");
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
  visit("variable", self.variable, "variable and properties that hold it, as in the source");
  visit("place", self.place, "file:line:column of its owner or of a function that sees it");
  visit("package", self.package, "npm package of that file; empty for the program's own");
  visit("members", self.members, "new objects directly below it, most first");
  visit("member_place", self.member_place, "file:line:column where most of them were made");
  visit("member_name", self.member_name, "name of the function, when they are functions");
  visit("net_growth", self.net_growth,
        "objects of the members' class added minus removed in the whole heap, per interval");
  visit("removed_count", self.removed_count, "of that class removed in the last interval");
  visit("guess", self.guess, "kind of leak; null for the smaller containers");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const PathGroup* /*tag*/) {
  visit("shape", self.shape, "edges and classes of the way; [*] for any index");
  visit("containers_count", self.containers_count, "objects that are reached so");
  visit("objects_count", self.objects_count, "new objects below them");
  visit("new_bytes", self.new_bytes, "their shallow bytes");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("files", self.files, "oldest first");
  visit("id_agreement_ratio", self.id_agreement_ratio,
        "of the ids that first and last share, those that name the same kind of object");
  visit("new_bytes", self.new_bytes, "of objects that the first snapshot did not have");
  visit("classes", self.classes, "most growth first");
  visit("containers_count", self.containers_count, "objects below which something new stays");
  visit("containers", self.containers, "where new objects stay, most bytes first");
  visit("groups", self.groups, "the containers by the way that leads to them, most bytes first");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  visit("shape", self.shape, "growing, warming, flat or undecided");
  visit("shape_because", self.shape_because, "the figures behind that word");
  visit("leak", self.leak, "yes, not_yet (a cache that still fills looks the same) or no");
  visit("now", self.now, "what to do now");
  visit("later", self.later, "the fix");
  visit("dont", self.dont, "what looks like a fix and is none");
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_diff
