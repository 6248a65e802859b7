#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/session.h"
#include "lib/v8/heap_paths.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace triage::probes {

/// The first characters, about `limit` bytes, without cutting one in two and without control
/// characters.
std::string beginning(const std::string& text, std::size_t limit = 40);

/// Reads the snapshot, says so on the way, and notes what was touched.
struct ReadSnapshot {
  v8::HeapSnapshot snapshot;
  std::int64_t file_bytes = 0;
};
ReadSnapshot read_snapshot(const std::string& file, Session& session,
                           v8::WhenCut when_cut = v8::WhenCut::refuse,
                           v8::Parts parts = v8::Parts::all);

/// "@815" or "815". Throws Error{usage}.
std::uint32_t parse_object_id(std::string_view text);

/// A count of V8 as JSON and tables have it.
std::int64_t signed_count(std::uint64_t value);
/// "1.5 KiB".
std::string bytes_text(std::int64_t value);
/// A file name as a shell takes it.
std::string quoted(const std::string& file);

/// The class of a node; of V8's own groups their names: "(GC roots)".
std::string object_name(const v8::HeapSnapshot& snapshot, v8::NodeIndex node);

/// "cache: Map @815" per step; the middle of a long way is left out.
std::vector<std::string> path_texts(const v8::HeapSnapshot& snapshot,
                                    const std::vector<v8::PathStep>& steps);

}  // namespace triage::probes
