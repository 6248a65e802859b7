#include "lib/probes/heap_rows.h"

#include <algorithm>

#include "lib/base/units.h"
#include "lib/probes/heap_text.h"

namespace triage::probes {

ClassRow class_row(const v8::ClassSummary& summary, bool retained) {
  ClassRow row{beginning(summary.name),
               signed_count(summary.count),
               signed_count(summary.shallow_bytes),
               {}};
  if (retained) row.retained_bytes = signed_count(summary.retained_bytes);
  return row;
}

Table classes_table(const std::vector<ClassRow>& rows) {
  Table table{{{"class", false, true},
               {"objects", true, false},
               {"shallow", true, false},
               {"retained", true, false}},
              {}};
  for (const auto& row : rows)
    table.rows.push_back({row.name, format_count(row.objects_count), bytes_text(row.shallow_bytes),
                          or_unknown(row.retained_bytes, bytes_text)});
  return table;
}

Duplicates find_duplicates(const v8::HeapSnapshot& snapshot, std::size_t top) {
  const auto rows = v8::find_duplicate_strings(snapshot);
  Duplicates found;
  found.texts_count = signed_count(rows.size());
  for (const auto& row : rows) found.wasted_bytes += signed_count(row.wasted_bytes);
  for (std::size_t i = 0; i < std::min(top, rows.size()); ++i)
    found.rows.push_back({beginning(snapshot.string(rows[i].text)), signed_count(rows[i].count),
                          signed_count(rows[i].wasted_bytes)});
  return found;
}

Section duplicates_section(const std::vector<DuplicateRow>& rows, std::string note) {
  Table table{{{"text", false, true}, {"copies", true, false}, {"wasted", true, false}}, {}};
  for (const auto& row : rows)
    table.rows.push_back({row.text, format_count(row.copies_count), bytes_text(row.wasted_bytes)});
  return {"DUPLICATED STRINGS", std::move(note), {std::move(table)}, false};
}

}  // namespace triage::probes
