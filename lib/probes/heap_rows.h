#pragma once

/// Rows of tables that several heap commands show: classes, and strings that are there several
/// times.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/report/report.h"
#include "lib/v8/heap_classes.h"
#include "lib/v8/heap_snapshot.h"

namespace triage::probes {

struct ClassRow {
  std::string name;
  std::int64_t objects_count = 0;
  std::int64_t shallow_bytes = 0;
  std::optional<std::int64_t> retained_bytes;
};

struct DuplicateRow {
  std::string text;  ///< its beginning
  std::int64_t copies_count = 0;
  std::int64_t wasted_bytes = 0;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const ClassRow* /*tag*/) {
  visit("name", self.name, "constructor, or a kind in parentheses");
  visit("objects_count", self.objects_count, "instances with bytes of their own");
  visit("shallow_bytes", self.shallow_bytes, "of the instances themselves");
  visit("retained_bytes", self.retained_bytes,
        "that would be free without them; null when edges are missing");
}

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const DuplicateRow* /*tag*/) {
  visit("text", self.text, "beginning of the text");
  visit("copies_count", self.copies_count, "strings with this text");
  visit("wasted_bytes", self.wasted_bytes, "bytes of all copies but one");
}

/// `retained`: whether the retained sizes are known.
ClassRow class_row(const v8::ClassSummary& summary, bool retained = true);
Table classes_table(const std::vector<ClassRow>& rows);

struct Duplicates {
  std::int64_t texts_count = 0;
  std::int64_t wasted_bytes = 0;
  std::vector<DuplicateRow> rows;  ///< those that waste most, at most `top`
};
Duplicates find_duplicates(const v8::HeapSnapshot& snapshot, std::size_t top);
Section duplicates_section(const std::vector<DuplicateRow>& rows, std::string note);

}  // namespace triage::probes
