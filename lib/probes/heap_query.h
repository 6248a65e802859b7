#pragma once

/// `triage heap query FILE`: the objects of a snapshot that answer a question: of a class, of an
/// id, above a size; and the strings that are there several times.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/finding.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/probes/heap_rows.h"
#include "lib/report/report.h"

namespace triage::probes::heap_query {

struct Options {
  std::string file;
  std::string class_name;
  std::string id;
  std::string min_retained;  ///< "1MB"
  std::string text;          ///< part of a string's text
  std::string strip_to;
  std::int64_t top = 20;
};

Help help();
void describe(Options& options, OptionVisitor& visitor);

struct ObjectRow {
  std::string id;
  std::string class_name;
  std::string text;  ///< beginning of a string, name of a function
  std::int64_t shallow_bytes = 0;
  std::int64_t retained_bytes = 0;
  std::optional<std::int64_t> distance_count;  ///< null: only V8's own roots reach it
  std::string place;
};

struct Sample {
  std::string at;
  std::string file;
  std::int64_t matches_count = 0;
  std::int64_t matches_shallow_bytes = 0;
  std::vector<ObjectRow> objects;
  std::int64_t duplicates_count = 0;
  std::int64_t duplicates_wasted_bytes = 0;
  std::vector<DuplicateRow> duplicates;
  std::string stripped_file;
  std::int64_t strings_kept_count = 0;
  std::int64_t strings_replaced_count = 0;
};

struct Result : Sample {
  Envelope envelope;
};

Sample collect(const Options& options, Session& session);
Result analyse(const Options& options, const Sample& sample);
std::vector<Section> sections(const Options& options, const Result& result);

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ObjectRow* /*tag*/) {
  visit("id", self.id, "object id of the snapshot");
  visit("class_name", self.class_name, "constructor, or a kind in parentheses");
  visit("text", self.text, "beginning of a string, name of a function");
  visit("shallow_bytes", self.shallow_bytes, "of the object itself");
  visit("retained_bytes", self.retained_bytes, "that would be free without it");
  visit("distance_count", self.distance_count,
        "steps from the program's globals; null when only V8's own roots reach it");
  visit("place", self.place, "file:line:column of the function or constructor");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Sample* /*tag*/) {
  visit("file", self.file, "the snapshot");
  visit("matches_count", self.matches_count, "objects that were asked for");
  visit("matches_shallow_bytes", self.matches_shallow_bytes, "their own bytes");
  visit("objects", self.objects, "most retained bytes first");
  visit("duplicates_count", self.duplicates_count, "texts that are there more than once");
  visit("duplicates_wasted_bytes", self.duplicates_wasted_bytes, "bytes of all copies but one");
  visit("duplicates", self.duplicates, "those that waste most, first");
  visit("stripped_file", self.stripped_file, "the copy without data; empty when none was wanted");
  visit("strings_kept_count", self.strings_kept_count, "names of code that the copy keeps");
  visit("strings_replaced_count", self.strings_replaced_count, "strings that it replaces");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Result* /*tag*/) {
  fields(visit, self, static_cast<const Sample*>(nullptr));
}

}  // namespace triage::probes::heap_query
